import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Direction } from '@lockstep/contract/vocabulary.ts';
import type { Absence, RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';

export type StagingTable =
  | 'key'
  | 'touched'
  | 'object'
  | 'match_value'
  | 'member'
  | 'source'
  | 'source_match'
  | 'source_unit'
  | 'place'
  | 'missing'
  | 'wanted'
  | 'named'
  | 'leaving'
  | 'joined'
  | 'refreshed'
  | 'gone'
  | 'released';

/** Where the staging tables of one job are. */
export interface StagingPlace {
  readonly store: Store;
  /** The staging table of this job, to stand in SQL. */
  table(name: StagingTable): RawBuilder<unknown>;
  /** Its name, for COPY. */
  tableName(name: StagingTable): string;
}

/** What the functions of one job's staging share. */
export interface StagingContext extends StagingPlace {
  readonly job: RunnableJob;
  readonly sync: RunnableSync;
}

/** Columns of each staging table. Unlogged: a crash of the server empties them, with the mark of the attempt, and the job then reads again. */
export const stagingColumns: Record<StagingTable, string> = {
  key: 'kind text collate "C" not null, external_id text collate "C" not null, fingerprint uuid not null',
  // refers: touched by what became of an object that it names.
  touched:
    'kind text collate "C" not null, external_id text collate "C" not null, refers boolean not null default false',
  object: `kind text collate "C" not null, external_id text collate "C" not null, object_id text collate "C",
    linked boolean not null, settled boolean not null default false, reference text collate "C", alias text collate "C",
    location text, scope integer not null, fingerprint uuid, parents jsonb not null, parent_reference text collate "C" not null,
    depth integer not null, label text not null, name text not null, name_key text collate "C" not null, enabled boolean,
    attributes jsonb not null, named jsonb, keys jsonb, has_members boolean not null, error_code text, error_message text,
    conflict_code text, conflict_message text, matched_by integer`,
  match_value:
    'kind text collate "C" not null, external_id text collate "C" not null, rule integer not null, value text collate "C" not null',
  // whole: one of all members; added, removed: what a group got and lost since the last read.
  member:
    'group_external_id text collate "C" not null, reference text collate "C" not null, part text not null',
  gone: 'kind text collate "C" not null, external_id text collate "C" not null',
  source: `kind text collate "C" not null, object_id text collate "C" not null, label text not null, scope integer not null, depth integer not null,
    external_id text collate "C", needs boolean not null,
    vanished boolean not null default false, matched_external_id text collate "C", matched_by integer, conflict_code text, conflict_message text`,
  source_match:
    'kind text collate "C" not null, object_id text collate "C" not null, rule integer not null, value text collate "C" not null',
  source_unit: 'unit_id text collate "C" not null, scope integer not null, depth integer not null',
  place:
    'number bigint generated always as identity, parents jsonb not null, scope integer not null, parent_id text, conflict_message text',
  missing:
    'kind text collate "C" not null, external_id text collate "C" not null, object_id text collate "C" not null, depth integer not null',
  wanted: `group_id text collate "C" not null, reference text collate "C" not null, member_id text collate "C",
    member_kind text, whole boolean not null`,
  refreshed: `kind text collate "C" not null, external_id text collate "C" not null, fingerprint uuid, reference text collate "C",
    alias text collate "C", location text, scope integer not null, revision bigint not null, contribution jsonb, named jsonb`,
  // staged: of a record that was looked at again; else known: whom the reference named until now.
  named: `kind text collate "C" not null, external_id text collate "C" not null, attribute text collate "C" not null,
    position integer not null, reference text collate "C" not null, staged boolean not null, known text collate "C", object_id text collate "C"`,
  leaving: 'reference text collate "C", object_id text collate "C" not null',
  // Undo: of what the undone job created.
  joined: 'object_id text collate "C" not null',
  released: 'kind text collate "C" not null, external_id text collate "C" not null',
};

/** Indexes that are there before anything is: each key that is read is looked up by itself. */
export const standingIndexes: Partial<Record<StagingTable, string>> = { touched: '(kind, external_id)' };

/** Tables that one direction alone has a use for. */
const onlyFor: Readonly<Record<Direction, readonly StagingTable[]>> = {
  ingress: ['place', 'wanted', 'gone', 'named', 'leaving', 'joined'],
  egress: ['source', 'source_match', 'source_unit'],
};

/** The tables that a job of this direction uses. */
export function stagingTablesOf(direction: Direction): readonly StagingTable[] {
  const useless = onlyFor[direction === 'ingress' ? 'egress' : 'ingress'];
  return (Object.keys(stagingColumns) as StagingTable[]).filter((name) => !useless.includes(name));
}

/** The directory table of a kind, and the column that names its objects. */
export const directoryTables = {
  user: { table: sql.raw('directory_user'), name: sql.raw('username'), key: sql.raw('username_key') },
  organizationalUnit: {
    table: sql.raw('organizational_unit'),
    name: sql.raw('name'),
    key: sql.raw('name_key'),
  },
  group: { table: sql.raw('directory_group'), name: sql.raw('name'), key: sql.raw('name_key') },
} as const;

/** `enabled` of a directory row: only users have it. */
export function enabledColumn(kind: keyof typeof directoryTables, alias: string): RawBuilder<unknown> {
  return sql.raw(kind === 'user' ? `${alias}.enabled` : 'true');
}

/** By `exists` or `not exists` alone: what negates one of them once more is no join, but a look through all keys for each link. */
function found(
  { table }: Pick<StagingPlace, 'table'>,
  absence: Absence,
  is: 'seen' | 'unseen',
): RawBuilder<unknown> {
  if (absence === 'nothing') return is === 'seen' ? sql`true` : sql`false`;
  const [keys, means] = absence === 'whole' ? [table('key'), 'seen'] : [table('gone'), 'unseen'];
  const noted = sql`exists (select 1 from ${keys} k where k.kind = l.kind and k.external_id = l.external_id)`;
  return means === is ? noted : sql`not ${noted}`;
}

/** Whether the object of a link `l` of this sync is gone from the connected system. */
export function unseen(place: Pick<StagingPlace, 'table'>, absence: Absence): RawBuilder<unknown> {
  return found(place, absence, 'unseen');
}

/** Whether it is there. */
export function seen(place: Pick<StagingPlace, 'table'>, absence: Absence): RawBuilder<unknown> {
  return found(place, absence, 'seen');
}

/**
 * Ingress: the names that users and groups had by records which are gone, where the plan binds records of other ids to
 * them. These names are not theirs any more.
 */
export function formerNames({ sync, table }: Pick<StagingContext, 'sync' | 'table'>): RawBuilder<unknown> {
  return sql`
    select r.reference, l.object_id from ${table('object')} o
    join link l on l.object_id = o.object_id and l.sync_serial = ${sync.serial} and l.external_id <> o.external_id
    cross join lateral unnest(array[l.reference, l.alias]) as r (reference)
    where o.kind in ('user', 'group') and not o.linked and o.error_code is null and o.conflict_code is null`;
}

/**
 * Whether a directory object `d` is free to be bound: no live link of an ingress sync of this connection ties
 * it. One of this sync does not tie it once its record is gone, and ties it again as soon as its record is back.
 */
export function isFree({ sync, table }: Pick<StagingContext, 'sync' | 'table'>, absence: Absence) {
  return sql`not exists (
    select 1 from link l join sync s on s.serial = l.sync_serial
    where l.object_id = d.id and s.connection_id = ${sync.connectionId} and s.direction = 'ingress'
      and case when l.sync_serial <> ${sync.serial} then l.state = 'live'
        else l.state = 'live' and ${seen({ table }, absence)}
          or exists (select 1 from ${table('key')} k where k.kind = l.kind and k.external_id = l.external_id) end)`;
}
