import { sql, type RawBuilder } from 'kysely';
import type { JsonObject } from '../../scim/resource.ts';
import { prepared } from '../prepared.ts';
import type { Executor, Store } from '../store.ts';
import { isRecordOf, isThere, type ScimKind, type ScimRecordKey } from './scim-record.ts';

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

/**
 * Takes the next sequence number of the connection's copy. Its row stays locked until the transaction ends, so that
 * numbers are committed in their order; every statement that writes begins with this.
 */
const nextSequence = (connectionSerial: number, at: Date) => sql`
  insert into replica as p (connection_serial, sequence, changed_at) values (${connectionSerial}, 1, ${at})
  on conflict (connection_serial) do update set sequence = p.sequence + 1, changed_at = ${at}
  returning sequence`;

/** A record that is made (`expectedRevision` 0), or changed if it still has the revision that the change was made for. */
export interface ScimWrite {
  readonly kind: ScimKind;
  readonly id: string;
  readonly expectedRevision: number;
  /** How many changes this is: so much greater its revision becomes; 1 for a record that is made. */
  readonly changes: number;
  /** undefined: nothing but members changes. */
  readonly content: ScimContent | undefined;
  readonly members: ScimMemberChange;
  readonly at: Date;
}

/** A record as it was written. */
export interface WrittenRecord {
  readonly id: string;
  readonly revision: number;
  readonly modifiedAt: Date;
}

/**
 * Of what is to come the members that are there, and stay so until the transaction ends. They are looked up one by one
 * and by key, however many and whatever statistics say, and after the replica is locked: a removal that was faster is
 * seen although it was committed after the statement had begun, since a lock is given for what a row is by then.
 */
const presentMembers = (connectionSerial: number) => sql`
  select n.id, n.member_id from s cross join adds n cross join lateral (
    select from replica_record o
    where o.connection_serial = ${connectionSerial} and o.kind in ('user', 'group') and o.external_id = n.member_id
      and ${isThere('o')} and s.sequence > 0
    limit 1 for share) o`;

/**
 * Writes records and changes of their members in one statement, under one sequence number; each record once.
 * A name that is taken breaks the unique index, and nothing is written.
 * @returns those that were written: not among them are records that somebody else changed before, and those that were
 * to get members who are not there
 */
export async function writeScimRecords(
  executor: Executor,
  connectionSerial: number,
  writes: readonly ScimWrite[],
): Promise<{ readonly sequence: number; readonly written: readonly WrittenRecord[] }> {
  const last = writes.reduce((latest, { at }) => (at > latest ? at : latest), new Date(0));
  const json = (of: keyof ScimContent) =>
    writes.map(({ content }) => (content === undefined ? null : JSON.stringify(content[of])));
  const pairs = (of: keyof ScimMemberChange) => {
    const all = writes.flatMap(({ id, members }) => members[of].map((member) => [id, member] as const));
    return sql`unnest(${all.map(([id]) => id)}::text[], ${all.map(([, member]) => member)}::text[]) as n (id, member_id)`;
  };
  // Most writes leave members alone, and need not pay for starting what changes these.
  const hasMembers = writes.some(({ members }) => members.added.length + members.removed.length > 0);
  const whereMembers = (part: RawBuilder<unknown>) => (hasMembers ? part : sql``);
  // Lists apart and not one JSON text: of a list the planner knows how long it is.
  const { rows } = await sql<WrittenRecord & { sequence: number }>`${prepared}
    with s as (${nextSequence(connectionSerial, last)}),
    ${whereMembers(sql`
      adds as materialized (select n.id, n.member_id from ${pairs('added')}),
      present as materialized (${presentMembers(connectionSerial)}),
      short as materialized (select distinct id from (select * from adds except select * from present) n),`)}
    w as materialized (
      select w.kind, w.id, w.revision, w.changes, w.attributes::jsonb as attributes, w.folded::jsonb as folded, w.at
      from unnest(
        ${writes.map(({ kind }) => kind)}::text[], ${writes.map(({ id }) => id)}::text[],
        ${writes.map(({ expectedRevision }) => expectedRevision)}::integer[],
        ${writes.map(({ changes }) => changes)}::integer[], ${json('attributes')}::text[],
        ${json('folded')}::text[], ${writes.map(({ at }) => at)}::timestamptz[]
      ) as w (kind, id, revision, changes, attributes, folded, at)
      ${whereMembers(sql`where not exists (select from short where short.id = w.id)`)}
    ),
    made as (
      insert into replica_record (connection_serial, kind, external_id, attributes, folded, sequence, created_at, modified_at)
      select ${connectionSerial}::bigint, w.kind, w.id, w.attributes, w.folded, s.sequence, w.at, w.at from w, s where w.revision = 0
      returning external_id as id, revision, modified_at
    ),
    changed as (
      update replica_record r
      set attributes = coalesce(w.attributes, r.attributes), folded = coalesce(w.folded, r.folded), sequence = s.sequence,
        revision = r.revision + w.changes, modified_at = w.at, removal_requested_at = null
      from w, s
      where w.revision > 0 and r.connection_serial = ${connectionSerial} and r.kind = w.kind and r.external_id = w.id
        and ${isThere('r')} and r.revision = w.revision
      returning r.external_id as id, r.revision, r.modified_at
    ),
    done as (select * from made union all select * from changed)
    ${whereMembers(sql`,
      gone as (
        update replica_member m set removed = true, sequence = s.sequence
        from done join ${pairs('removed')} using (id) cross join s
        where m.connection_serial = ${connectionSerial} and m.group_id = n.id and m.member_id = n.member_id and not m.removed
      ),
      come as (
        insert into replica_member as m (connection_serial, group_id, member_id, sequence)
        select ${connectionSerial}::bigint, id, n.member_id, s.sequence
        from done join adds n using (id) cross join s
        order by id, n.member_id
        on conflict (connection_serial, group_id, member_id) do update set removed = false, sequence = excluded.sequence
        where m.removed
      )`)}
    select s.sequence, done.id, done.revision, done.modified_at as "modifiedAt" from s left join done on true`.execute(
    executor,
  );
  const { sequence } = rows[0] as { sequence: number };
  return { sequence, written: rows.filter(({ id }) => id !== null) };
}

/**
 * Removes a record with the memberships that it had or gave: the groups that it was in change. Its row stays for those
 * who read what changed. The replica is locked by a statement before: the second sees all members who came until then,
 * and none comes before its end. @returns false when the record was not there with that revision.
 */
export async function removeScimRecord(
  store: Pick<Store, 'transaction'>,
  key: ScimRecordKey,
  expectedRevision: number,
  at: Date,
): Promise<boolean> {
  const { connectionSerial, id } = key;
  return store.transaction(async (trx) => {
    const taken = await sql<{ sequence: number }>`${prepared} ${nextSequence(connectionSerial, at)}`.execute(
      trx,
    );
    const { sequence } = taken.rows[0] as { sequence: number };
    const { rows } = await sql`${prepared}
      with gone as (
        update replica_record r
        set removed_at = ${at}::timestamptz, removal_requested_at = null, sequence = ${sequence}, revision = r.revision + 1
        where ${isRecordOf(key)} and r.revision = ${expectedRevision}
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
      select from gone`.execute(trx);
    return rows.length > 0;
  });
}

/** Whether a write failed because its connection was deleted: SQLSTATE 23503 of the copy. */
export function isConnectionGone(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '23503';
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
