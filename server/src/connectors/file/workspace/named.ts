import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Attributes } from '../../../directory/attributes.ts';
import { findPlaceKey } from './naming.ts';

/** LDIF: attributes, in lower case, whose values are DNs of people and groups, who keep being named when they move. */
const namingAttributes = ['manager', 'secretary', 'owner'];

/** A value of an attribute that names others. */
export interface NamingValue {
  readonly attribute: string;
  readonly text: string;
}

/** The values among attributes that name others. */
export function* namingValues(attributes: Attributes): Generator<NamingValue> {
  for (const [name, values] of Object.entries(attributes)) {
    const attribute = name.toLowerCase();
    if (!namingAttributes.includes(attribute)) continue;
    for (const text of values) if (typeof text === 'string') yield { attribute, text };
  }
}

/** The key under which the file's own names are known while it is imported; undefined for what is no DN. */
export function importedKey({ text }: NamingValue): string | undefined {
  return findPlaceKey(text);
}

/** LDIF: which entries the attributes of an entry name; where these are is rendered when the file is written. */
export class Named {
  readonly #insert: StatementSync;
  readonly #clear: StatementSync;
  readonly #forget: StatementSync;

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('insert into named (entry, attribute, text, target) values (?, ?, ?, ?)');
    this.#clear = database.prepare('delete from named where entry = ? and attribute = ?');
    this.#forget = database.prepare('delete from named where entry = ?1 or target = ?1');
  }

  /** Ties the values of the attributes that are set to the entries that `find` has for them. */
  tie(entry: number, set: Attributes, find: (text: string) => number | undefined): void {
    for (const name of Object.keys(set)) this.#clear.run(entry, name.toLowerCase());
    for (const { attribute, text } of namingValues(set)) {
      const target = find(text);
      if (target !== undefined) this.#insert.run(entry, attribute, text, target);
    }
  }

  /** An entry that is deleted names nobody, and what names it is text from then on. */
  forget(entry: number): void {
    this.#forget.run(entry);
  }
}

/** Attributes with the values that name entries as these are called now. */
export function renderNamed(
  attributes: Attributes,
  rows: readonly { readonly text: string; readonly location: string }[],
): Attributes {
  if (rows.length === 0) return attributes;
  const locations = new Map(rows.map(({ text, location }) => [text, location]));
  const rendered: Record<string, Attributes[string]> = { ...attributes };
  for (const [name, values] of Object.entries(attributes))
    if (namingAttributes.includes(name.toLowerCase()))
      rendered[name] = values.map((value) =>
        typeof value === 'string' ? (locations.get(value) ?? value) : value,
      );
  return rendered;
}
