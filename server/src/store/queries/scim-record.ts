import { sql, type RawBuilder } from 'kysely';
import type { JsonObject } from '../../scim/resource.ts';

export type ScimKind = 'user' | 'group';

/** The other side of a membership, as a resource shows it. */
export interface ScimMember {
  readonly id: string;
  readonly kind: ScimKind;
  readonly display: string | null;
}

/** A resource as it is kept: without what is computed, and a group without its members. */
export interface ScimRecord {
  readonly id: string;
  readonly attributes: JsonObject;
  readonly revision: number;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
  /** Its memberships, if they were asked for; null: it has none. */
  readonly related?: readonly ScimMember[] | null;
}

/** Which record of which connection. */
export interface ScimRecordKey {
  readonly connectionSerial: number;
  readonly kind: ScimKind;
  readonly id: string;
}

/** Rows of records that are there. The kind is written out, so that partial indexes are found. */
export function isRecord(connectionSerial: number, kind: ScimKind): RawBuilder<boolean> {
  return sql`r.connection_serial = ${connectionSerial} and r.kind = ${sql.lit(kind)} and r.removed_at is null and r.folded is not null`;
}

/**
 * That a record found by its key is there. Not in the words of the partial indexes: where there are no statistics these
 * seem to hold next to nothing, and each lookup by id would read all the records of the connection through one of them.
 */
export function isThere(alias: 'r' | 'o'): RawBuilder<boolean> {
  const column = (name: string) => sql.raw(`${alias}.${name}`);
  return sql`num_nulls(${column('removed_at')}) = 1 and num_nulls(${column('folded')}) = 0`;
}

/** The row of one record, if it is there. */
export function isRecordOf({ connectionSerial, kind, id }: ScimRecordKey): RawBuilder<boolean> {
  return sql`r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id = ${id} and ${isThere('r')}`;
}
