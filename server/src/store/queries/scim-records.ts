import { sql, type RawBuilder } from 'kysely';
import type { JsonObject } from '../../scim/resource.ts';
import type { Executor } from '../store.ts';

export type ScimKind = 'user' | 'group';

/** A resource as it is kept: without what is computed, and a group without its members. */
export interface ScimRecord {
  readonly id: string;
  readonly attributes: JsonObject;
  readonly revision: number;
  readonly createdAt: Date;
  readonly modifiedAt: Date;
}

/** Which record of which connection. */
export interface ScimRecordKey {
  readonly connectionSerial: number;
  readonly kind: ScimKind;
  readonly id: string;
}

/** What is written of a resource: its attributes, and the same as filters compare them. */
export interface ScimContent {
  readonly attributes: JsonObject;
  readonly folded: JsonObject;
}

/** Members by id that come and go; the two lists have none in common. */
export interface ScimMemberChange {
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

export const recordColumns = sql`
  r.external_id as id, r.attributes, r.revision, r.created_at as "createdAt", r.modified_at as "modifiedAt"`;

/** Rows of records that are there. The kind is written out, so that partial indexes are found. */
export function isRecord(connectionSerial: number, kind: ScimKind): RawBuilder<boolean> {
  return sql`r.connection_serial = ${connectionSerial} and r.kind = ${sql.lit(kind)} and r.removed_at is null and r.folded is not null`;
}

/**
 * That a record found by its key is there. Not in the words of the partial indexes: where there are no statistics (a
 * table is new, or the embedded store's) these seem to hold next to nothing, and each lookup by id would read all the
 * records of the connection through one of them.
 */
export function isThere(alias: 'r' | 'o'): RawBuilder<boolean> {
  const column = (name: string) => sql.raw(`${alias}.${name}`);
  return sql`num_nulls(${column('removed_at')}) = 1 and num_nulls(${column('folded')}) = 0`;
}

/** The row of one record, if it is there. */
function isRecordOf({ connectionSerial, kind, id }: ScimRecordKey): RawBuilder<boolean> {
  return sql`r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id = ${id} and ${isThere('r')}`;
}

/**
 * Takes the next sequence number of the connection's copy. Its row stays locked until the transaction ends, so that
 * numbers are committed in their order; every statement that writes begins with this.
 */
const nextSequence = (connectionSerial: number, at: Date) => sql`
  insert into replica as p (connection_serial, sequence, changed_at) values (${connectionSerial}, 1, ${at})
  on conflict (connection_serial) do update set sequence = p.sequence + 1, changed_at = ${at}
  returning sequence`;

const texts = (values: readonly string[]) => sql`${[...values]}::text[]`;

export async function findScimRecord(
  executor: Executor,
  key: ScimRecordKey,
): Promise<ScimRecord | undefined> {
  const { rows } = await sql<ScimRecord>`
    select ${recordColumns} from replica_record r where ${isRecordOf(key)}`.execute(executor);
  return rows[0];
}

/**
 * One statement: the record, and the members of a group. A name that is taken breaks the unique index.
 * @returns the sequence number that it got
 */
export async function insertScimRecord(
  executor: Executor,
  { connectionSerial, kind, id }: ScimRecordKey,
  { attributes, folded }: ScimContent,
  members: readonly string[],
  at: Date,
): Promise<number> {
  const { rows } = await sql<{ sequence: number }>`
    with s as (${nextSequence(connectionSerial, at)}),
    made as (
      insert into replica_record (connection_serial, kind, external_id, attributes, folded, sequence, created_at, modified_at)
      select ${connectionSerial}::bigint, ${kind}, ${id}, ${JSON.stringify(attributes)}::jsonb, ${JSON.stringify(folded)}::jsonb,
        s.sequence, ${at}::timestamptz, ${at}::timestamptz from s
    ),
    come as (
      insert into replica_member (connection_serial, group_id, member_id, sequence)
      select ${connectionSerial}::bigint, ${id}, m.id, s.sequence from s, unnest(${texts(members)}) as m (id) order by m.id
    )
    select sequence from s`.execute(executor);
  return (rows[0] as { sequence: number }).sequence;
}

/**
 * Writes a record and changes of its members in one statement, if it still has the revision that the change was made
 * for. @returns the record as it is now; undefined when somebody else was faster, and nothing was written.
 */
export async function updateScimRecord(
  executor: Executor,
  key: ScimRecordKey,
  expectedRevision: number,
  content: ScimContent | undefined,
  { added, removed }: ScimMemberChange,
  at: Date,
): Promise<Pick<ScimRecord, 'revision' | 'modifiedAt'> | undefined> {
  const { connectionSerial, id } = key;
  const set =
    content === undefined
      ? sql``
      : sql`attributes = ${JSON.stringify(content.attributes)}::jsonb, folded = ${JSON.stringify(content.folded)}::jsonb,`;
  const { rows } = await sql<Pick<ScimRecord, 'revision' | 'modifiedAt'>>`
    with s as (${nextSequence(connectionSerial, at)}),
    changed as (
      update replica_record r
      set ${set} sequence = s.sequence, revision = r.revision + 1, modified_at = ${at}::timestamptz, removal_requested_at = null
      from s where ${isRecordOf(key)} and r.revision = ${expectedRevision}
      returning r.revision, r.modified_at, r.sequence
    ),
    gone as (
      update replica_member m set removed = true, sequence = changed.sequence from changed
      where m.connection_serial = ${connectionSerial} and m.group_id = ${id} and m.member_id = any(${texts(removed)}) and not m.removed
    ),
    come as (
      insert into replica_member as m (connection_serial, group_id, member_id, sequence)
      select ${connectionSerial}::bigint, ${id}, n.id, changed.sequence from changed, unnest(${texts(added)}) as n (id)
      order by n.id
      on conflict (connection_serial, group_id, member_id) do update set removed = false, sequence = excluded.sequence
      where m.removed
    )
    select revision, modified_at as "modifiedAt" from changed`.execute(executor);
  return rows[0];
}

/**
 * Removes a record in one statement, with the memberships that it had or gave: the groups that it was in change.
 * Its row stays for those who read what changed. @returns false when it was not there with that revision.
 */
export async function removeScimRecord(
  executor: Executor,
  key: ScimRecordKey,
  expectedRevision: number,
  at: Date,
): Promise<boolean> {
  const { connectionSerial, id } = key;
  const { rows } = await sql`
    with s as (${nextSequence(connectionSerial, at)}),
    gone as (
      update replica_record r
      set removed_at = ${at}::timestamptz, removal_requested_at = null, sequence = s.sequence, revision = r.revision + 1
      from s where ${isRecordOf(key)} and r.revision = ${expectedRevision}
      returning r.sequence
    ),
    ended as (
      update replica_member m set removed = true, sequence = gone.sequence from gone
      where m.connection_serial = ${connectionSerial} and (m.group_id = ${id} or m.member_id = ${id}) and not m.removed
      returning m.group_id, m.sequence
    ),
    left_groups as (
      update replica_record r
      set sequence = g.sequence, revision = r.revision + 1, modified_at = ${at}::timestamptz
      from (select distinct group_id, sequence from ended where group_id <> ${id}) g
      where r.connection_serial = ${connectionSerial} and r.kind = 'group' and r.external_id = g.group_id
    )
    select from gone`.execute(executor);
  return rows.length > 0;
}

/** Whether a write failed because another user has the name: SQLSTATE 23505 of its index. */
export function isNameTaken(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    error.code === '23505' &&
    'constraint' in error &&
    error.constraint === 'replica_record_by_user_name'
  );
}
