import type { AttributeValue } from '../../directory/attributes.ts';
import { attributesOf } from './attributes.ts';
import { collectionOf } from './object-writes.ts';
import type { EntraKind } from './select.ts';
import type { Writing } from './writing.ts';

/** An object that was asked for, and may have been made without our knowledge. */
export interface Wanted {
  readonly kind: EntraKind;
  /** What was asked for, without the password. */
  readonly body: Readonly<Record<string, unknown>>;
}

/** `made`: it is as it was to be. `other`: another one has its name. `none`: nothing has it, as far as Graph knows. */
export type Found =
  | { readonly is: 'made'; readonly object: Readonly<Record<string, unknown>> }
  | { readonly is: 'other' | 'none' };

/** Seconds before each further look: a new object takes a while to be known everywhere. */
const patience = [1, 2, 4, 8];

const quoted = (text: unknown): string => `'${String(text).replaceAll("'", "''")}'`;

function lookupPath({ kind, body }: Wanted): string {
  const select = `$select=${[...new Set(['id', ...Object.keys(body)])].join(',')}`;
  // A user principal name is unique; groups of one name are told apart by their nickname.
  const name = kind === 'group' ? 'mailNickname' : 'userPrincipalName';
  const filter = `${name} eq ${quoted(body[name])}`;
  return `${collectionOf(kind)}?$filter=${encodeURIComponent(filter)}&${select}`;
}

function sameTexts(left: readonly AttributeValue[] | undefined, right: readonly AttributeValue[]): boolean {
  return JSON.stringify(left ?? []).toLowerCase() === JSON.stringify(right).toLowerCase();
}

/** Looks for an object each of whose properties is as it was to be; of a person the nickname may be another one. */
export async function findMade(writing: Writing, wanted: Wanted): Promise<Found> {
  const { objects } = await writing.graph.list(lookupPath(wanted), 'looking for an object', writing.signal);
  const properties = Object.entries(attributesOf(wanted.body)).filter(
    ([name]) => wanted.kind === 'group' || name !== 'mailNickname',
  );
  for (const object of objects) {
    const { id } = object;
    if (typeof id !== 'string' || writing.made.has(id)) continue;
    const found = attributesOf(object);
    if (properties.every(([name, values]) => sameTexts(found[name], values))) return { is: 'made', object };
  }
  return { is: objects.length > 0 ? 'other' : 'none' };
}

/** Looks for each of them until it is found, another one has its name, or patience is at its end. */
export async function findMadePatiently(
  writing: Writing,
  wanted: readonly Wanted[],
): Promise<readonly Found[]> {
  const found: Found[] = wanted.map(() => ({ is: 'none' }));
  for (const seconds of [0, ...patience]) {
    const open = found.flatMap(({ is }, index) => (is === 'none' ? [index] : []));
    if (open.length === 0) break;
    // oxlint-disable-next-line no-await-in-loop -- looks follow each other
    if (seconds > 0) await writing.sender.pause(seconds, writing.signal);
    for (const index of open) {
      // oxlint-disable-next-line no-await-in-loop -- rarely more than one
      const result = await findMade(writing, wanted[index] as Wanted);
      if (result.is === 'made') writing.made.add(String(result.object['id']));
      found[index] = result;
    }
  }
  return found;
}
