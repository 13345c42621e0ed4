import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { attributesFromJson, attributesToJson, type Attributes } from '../../../directory/attributes.ts';
import type { FileFormat } from '../config.ts';
import { joinDn, splitDn } from '../ldif/place.ts';
import { findPlaceKey, nameKey, placeKey } from './naming.ts';

/** One entry of the workspace. */
export interface Entry {
  readonly id: number;
  readonly kind: string;
  readonly externalId: string;
  readonly parent: number | null;
  readonly above: string;
  readonly name: string;
  readonly nameKey: string;
  readonly enabled: boolean | null;
  readonly attributes: Attributes;
}

/** Where an entry is or shall be. */
export interface Place {
  readonly parent: number | null;
  /** The location of the parent where it is no entry of the file; else empty. */
  readonly above: string;
}

const columns = 'id, kind, external_id, parent, above, name, name_key, enabled, attributes';

function toEntry(row: Record<string, SQLOutputValue>): Entry {
  return {
    id: row['id'] as number,
    kind: row['kind'] as string,
    externalId: row['external_id'] as string,
    parent: row['parent'] as number | null,
    above: row['above'] as string,
    name: row['name'] as string,
    nameKey: row['name_key'] as string,
    enabled: row['enabled'] === null ? null : row['enabled'] === 1,
    attributes: attributesFromJson(JSON.parse(row['attributes'] as string)),
  };
}

/** The entries of a file as a tree, with random access. A name is kept once: what lies below follows a move. */
export class Tree {
  readonly format: FileFormat;
  readonly #byId: StatementSync;
  readonly #byExternalId: StatementSync;
  readonly #childByName: StatementSync;
  readonly #topByName: StatementSync;
  readonly #anyChild: StatementSync;
  readonly #insert: StatementSync;
  readonly #update: StatementSync;
  readonly #place: StatementSync;
  readonly #delete: StatementSync;

  constructor(database: DatabaseSync, format: FileFormat) {
    this.format = format;
    this.#byId = database.prepare(`select ${columns} from entry where id = ?`);
    this.#byExternalId = database.prepare(
      `select ${columns} from entry where external_id = ? order by id limit 1`,
    );
    this.#childByName = database.prepare(
      'select id from entry where parent = ? and name_key = ? order by id limit 1',
    );
    this.#topByName = database.prepare(
      'select id from entry where parent is null and above_key = ? and name_key = ? order by id limit 1',
    );
    this.#anyChild = database.prepare('select 1 from entry where parent = ? limit 1');
    this.#insert =
      database.prepare(`insert into entry (kind, external_id, parent, above, above_key, name, name_key, enabled, attributes)
      values (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
    this.#update = database.prepare('update entry set attributes = ?, enabled = ? where id = ?');
    this.#place = database.prepare(
      'update entry set parent = ?, above = ?, above_key = ?, name = ?, name_key = ? where id = ?',
    );
    this.#delete = database.prepare('delete from entry where id = ?');
  }

  getEntry(id: number): Entry {
    const row = this.#byId.get(id);
    if (row === undefined) throw new Error(`entry ${id} of the workspace is gone`);
    return toEntry(row);
  }

  /** An id that is a DN, of an entry without entryUUID, is valid in its form before and after a move. */
  findByExternalId(externalId: string): Entry | undefined {
    const row = this.#byExternalId.get(externalId);
    if (row !== undefined) return toEntry(row);
    return this.format === 'ldif' ? this.findByLocation(externalId) : undefined;
  }

  /** The entry at a location: a DN, or the id in CSV and JSON Lines. What is no location is nowhere. */
  findByLocation(location: string): Entry | undefined {
    if (this.format !== 'ldif') {
      const row = this.#byExternalId.get(location);
      return row === undefined ? undefined : toEntry(row);
    }
    const dn = findPlaceKey(location);
    const id = dn === undefined ? undefined : this.#findByDn(dn);
    return id === undefined ? undefined : this.getEntry(id);
  }

  findSibling(place: Place, kind: string, name: string): Entry | undefined {
    const key = nameKey(this.format, kind, name);
    const id =
      place.parent === null
        ? this.#topByName.get(placeKey(this.format, place.above), key)?.['id']
        : this.#childByName.get(place.parent, key)?.['id'];
    return id === undefined ? undefined : this.getEntry(id as number);
  }

  hasChildren(id: number): boolean {
    return this.#anyChild.get(id) !== undefined;
  }

  /** Whether `id` is `other` or lies above it. */
  isAtOrAbove(id: number, other: number | null): boolean {
    for (let at = other; at !== null; at = this.getEntry(at).parent) if (at === id) return true;
    return false;
  }

  /** The DN as spelled, from the entry up; in CSV and JSON Lines the id. */
  locationOf(entry: Entry): string {
    if (this.format !== 'ldif') return entry.externalId;
    const above = entry.parent === null ? entry.above : this.locationOf(this.getEntry(entry.parent));
    return joinDn(entry.name, above);
  }

  insert(entry: Omit<Entry, 'id' | 'nameKey'>): Entry {
    const { lastInsertRowid } = this.#insert.run(
      entry.kind,
      entry.externalId,
      entry.parent,
      entry.above,
      placeKey(this.format, entry.above),
      entry.name,
      nameKey(this.format, entry.kind, entry.name),
      entry.enabled === null ? null : Number(entry.enabled),
      JSON.stringify(attributesToJson(entry.attributes)),
    );
    return this.getEntry(Number(lastInsertRowid));
  }

  update(id: number, attributes: Attributes, enabled: boolean | null): void {
    this.#update.run(
      JSON.stringify(attributesToJson(attributes)),
      enabled === null ? null : Number(enabled),
      id,
    );
  }

  move(entry: Entry, place: Place, name: string): Entry {
    const { format } = this;
    this.#place.run(
      place.parent,
      place.above,
      placeKey(format, place.above),
      name,
      nameKey(format, entry.kind, name),
      entry.id,
    );
    return this.getEntry(entry.id);
  }

  delete(id: number): void {
    this.#delete.run(id);
  }

  /** Tries each suffix of the DN as the place of a top entry and goes down from there. */
  #findByDn(dn: string): number | undefined {
    const names: string[] = [];
    for (let rest = dn; rest !== '';) {
      const { name, parent } = splitDn(rest);
      names.push(name);
      const top = this.#topByName.get(parent, name)?.['id'];
      const found = top === undefined ? undefined : this.#descend(top as number, names.slice(0, -1));
      if (found !== undefined) return found;
      rest = parent;
    }
    return undefined;
  }

  #descend(top: number, names: readonly string[]): number | undefined {
    let id: number | undefined = top;
    for (let index = names.length - 1; index >= 0 && id !== undefined; index--) {
      id = this.#childByName.get(id, names[index] as string)?.['id'] as number | undefined;
    }
    return id;
  }
}
