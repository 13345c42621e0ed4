import { LockstepError } from '../kernel/errors.ts';

/** A path of the directory from names, root first: `/a/b`, with `\/` for a slash and `\\` for a backslash in a name. */
export function renderPath(names: readonly string[]): string {
  return `/${names.map((name) => name.replace(/[\\/]/g, '\\$&')).join('/')}`;
}

/**
 * Names of a path, root first; the root `/` has none.
 * @throws LockstepError InvalidRequest for a text that does not begin with a slash, an empty name, or a lone backslash
 * at the end.
 */
export function parsePath(path: string): string[] {
  const invalid = (): LockstepError =>
    new LockstepError('InvalidRequest', `${JSON.stringify(path)} is not a path of the directory`, {
      remedy: 'Write it from the root, like /Sales/Berlin; a slash in a name is written \\/.',
    });
  if (!path.startsWith('/')) throw invalid();
  if (path === '/') return [];
  const names: string[] = [];
  let name = '';
  for (let index = 1; index <= path.length; index += 1) {
    const character = path[index];
    if (character === '\\') {
      index += 1;
      if (index >= path.length) throw invalid();
      name += path[index];
    } else if (character === undefined || character === '/') {
      if (name === '') throw invalid();
      names.push(name);
      name = '';
    } else {
      name += character;
    }
  }
  return names;
}
