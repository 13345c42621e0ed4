import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ReplicaEntry, ReplicaReadOptions } from '../../sync/replica.ts';
import type { Executor } from '../store.ts';

const pageSize = 500;

interface Row {
  external_id: string;
  attributes: Record<string, unknown>;
  sequence: number;
  revision: number;
  removed: boolean;
  members: string[] | null;
  added: string[] | null;
  left: string[] | null;
}

/** A sequence number is used once, so it stands for what the record and its members were. */
function fingerprintOf({ sequence, revision }: Row): string {
  return sequence.toString(16).padStart(16, '0') + revision.toString(16).padStart(8, '0').padEnd(16, '0');
}

function entryOf(kind: ObjectKind, row: Row): ReplicaEntry {
  const { external_id: externalId, attributes, removed, members, added, left } = row;
  return {
    kind,
    externalId,
    attributes,
    removed,
    fingerprint: fingerprintOf(row),
    ...(members === null ? {} : { members }),
    ...(added === null ? {} : { memberChanges: { added, removed: left ?? [] } }),
  };
}

/** Whose replica is read, and the sync that it is read for. */
export interface ReplicaReader {
  readonly connectionSerial: number;
  readonly syncSerial?: number | undefined;
}

/** Of a group that the sync does not know yet the members that it had before are news, too. */
function isUnknown(syncSerial: number | undefined): RawBuilder<unknown> {
  if (syncSerial === undefined) return sql`false`;
  return sql`not exists (
    select from link l
    where l.sync_serial = ${syncSerial} and l.kind = r.kind and l.external_id = r.external_id and l.state = 'live')`;
}

async function* readKind(
  executor: Executor,
  { connectionSerial, syncSerial }: ReplicaReader,
  kind: ObjectKind,
  { members, after, through, again = [] }: ReplicaReadOptions,
): AsyncGenerator<readonly ReplicaEntry[], void> {
  const wanted = members && kind === 'group';
  const asked = again.filter((key) => key.kind === kind).map(({ externalId }) => externalId);
  const isAsked = sql`r.external_id = any(${asked}::text[])`;
  const whole = after === undefined ? sql`true` : sql`(${isAsked} or ${isUnknown(syncSerial)})`;
  const list = (which: 'all' | 'added' | 'left') => sql`array(
    select m.member_id from replica_member m
    where m.connection_serial = r.connection_serial and m.group_id = r.external_id
      and ${which === 'left' ? sql`m.removed` : sql`not m.removed`}
      ${which === 'all' ? sql`` : sql`and m.sequence > ${after ?? 0} and m.sequence <= ${through ?? Number.MAX_SAFE_INTEGER}`}
    order by m.member_id)`;
  const none = sql`null::text[]`;
  let last = '';
  for (;;) {
    const { rows } = await sql<Row>`
      select r.external_id, r.attributes, r.sequence, r.revision,
        (r.removed_at is not null or r.removal_requested_at is not null) as removed,
        ${wanted ? sql`case when ${whole} then ${list('all')} end` : none} as members,
        ${wanted ? sql`case when not ${whole} then ${list('added')} end` : none} as added,
        ${wanted ? sql`case when not ${whole} then ${list('left')} end` : none} as left
      from replica_record r
      where r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id > ${last}
        and ${
          after === undefined
            ? sql`r.removed_at is null and r.removal_requested_at is null`
            : sql`(r.sequence > ${after} and r.sequence <= ${through ?? Number.MAX_SAFE_INTEGER} or ${isAsked})`
        }
      order by r.external_id limit ${pageSize}`.execute(executor);
    if (rows.length > 0) yield rows.map((row) => entryOf(kind, row));
    const end = rows.at(-1);
    if (end === undefined || rows.length < pageSize) return;
    last = end.external_id;
  }
}

/** The records of a replica with these ids that are there, without members. */
export async function findInReplica(
  executor: Executor,
  connectionSerial: number,
  kind: ObjectKind,
  externalIds: readonly string[],
): Promise<readonly ReplicaEntry[]> {
  if (externalIds.length === 0) return [];
  const { rows } = await sql<Row>`
    select external_id, attributes, sequence, revision, false as removed, null as members, null as added, null as left
    from replica_record
    where connection_serial = ${connectionSerial} and kind = ${kind} and external_id = any(${[...externalIds]}::text[])
      and removed_at is null and removal_requested_at is null`.execute(executor);
  return rows.map((row) => entryOf(kind, row));
}

/** Streams a replica by kind and external id, each object once. */
export async function* readReplica(
  executor: Executor,
  reader: ReplicaReader,
  options: ReplicaReadOptions,
): AsyncGenerator<readonly ReplicaEntry[], void> {
  for (const kind of objectKinds.filter((each) => options.kinds.includes(each))) {
    yield* readKind(executor, reader, kind, options);
  }
}
