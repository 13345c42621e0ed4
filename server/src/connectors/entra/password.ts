import { randomInt } from 'node:crypto';

const classes = ['ABCDEFGHJKLMNPQRSTUVWXYZ', 'abcdefghijkmnopqrstuvwxyz', '23456789', '!#$%&*+-=?@^_~'];
const length = 32;

function pick(characters: string): string {
  return characters[randomInt(characters.length)] as string;
}

/** A password of 32 characters that meets the rules of Entra ID. Nobody learns it: the person gets another one. */
export function randomPassword(): string {
  const all = classes.join('');
  const characters = [
    ...classes.map(pick),
    ...Array.from({ length: length - classes.length }, () => pick(all)),
  ];
  for (let index = characters.length - 1; index > 0; index -= 1) {
    const other = randomInt(index + 1);
    [characters[index], characters[other]] = [characters[other] as string, characters[index] as string];
  }
  return characters.join('');
}
