import { readOne } from './client.ts';
import { resultCodeOf } from './errors.ts';
import type { LdapClient } from './protocol/client/client.ts';

/** What a server says of its schema. */
export interface Schema {
  /** Names of all attribute types, as the server spells them. */
  readonly names: readonly string[];
  /** Whether there is an attribute type of this name or object identifier, in lower case and without options. */
  knows(name: string): boolean;
}

/** The schema of a server (RFC 4512 section 4.2); undefined where it shows none. */
export async function readSchema(client: LdapClient, signal: AbortSignal): Promise<Schema | undefined> {
  try {
    const types = await readAttributeTypes(client, signal);
    if (types.length === 0) return undefined;
    const names = types.flatMap(namesOfType);
    const known = new Set([...names.map((name) => name.toLowerCase()), ...types.map(objectIdentifier)]);
    return { names, knows: (name) => known.has(name) };
  } catch (error) {
    if (resultCodeOf(error) === undefined) throw error;
    return undefined;
  }
}

async function readAttributeTypes(client: LdapClient, signal: AbortSignal): Promise<string[]> {
  const root = await readOne(client, { base: '', attributes: ['subschemaSubentry'], signal });
  const base = root?.peek('subschemaSubentry');
  if (base === undefined) return [];
  const filter = '(objectClass=subschema)';
  const schema = await readOne(client, { base, attributes: ['attributeTypes'], filter, signal });
  return schema?.peekAll('attributeTypes') ?? [];
}

/** RFC 4512 section 4.1.2: `( 1.2.3 NAME 'x' ... )` or `( 1.2.3 NAME ( 'x' 'y' ) ... )`. */
function namesOfType(type: string): string[] {
  const [, one, several] = /\sNAME\s+(?:'([^']*)'|\(([^)]*)\))/i.exec(type) ?? [];
  return one === undefined
    ? [...(several ?? '').matchAll(/'([^']*)'/g)].map(([, name]) => name ?? '')
    : [one];
}

function objectIdentifier(type: string): string {
  return /^\(\s*(\S+)/.exec(type)?.[1]?.toLowerCase() ?? '';
}
