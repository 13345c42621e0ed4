import { sql } from 'kysely';
import type { Transaction } from 'kysely';
import type { Database } from '../schema.ts';
import { foldChanges } from './fold-changes.ts';
import type { MemberChange, RecordChange } from './fold-changes.ts';
import type { ReplicaChange } from '../../sync/replica.ts';
import { refreshReplicaStatistics } from './replica-statistics.ts';

type Trx = Transaction<Database>;

/** A replica that this transaction has locked, and the sequence number that its changes get. */
export interface LockedReplica {
  readonly connectionSerial: number;
  readonly sequence: number;
  readonly round: number;
}

/**
 * Locks the replica of a connection until the transaction ends, so that sequence numbers are committed in their order.
 * Makes it when there is none.
 */
export async function lockReplica(trx: Trx, connectionSerial: number): Promise<LockedReplica> {
  await sql`insert into replica (connection_serial) values (${connectionSerial}) on conflict do nothing`.execute(
    trx,
  );
  const { rows } = await sql<{ sequence: number; round: number }>`
    select sequence, round from replica where connection_serial = ${connectionSerial} for no key update`.execute(
    trx,
  );
  const { sequence, round } = rows[0] as { sequence: number; round: number };
  return { connectionSerial, sequence: sequence + 1, round };
}

/** Uses the sequence number up, once something has changed. */
export async function advanceReplica(trx: Trx, { connectionSerial, sequence }: LockedReplica): Promise<void> {
  await sql`
    update replica set sequence = ${sequence}, changed_at = now() where connection_serial = ${connectionSerial}`.execute(
    trx,
  );
  await refreshReplicaStatistics(trx, sequence - 1, sequence);
}

async function upsertRecords(
  trx: Trx,
  { connectionSerial, sequence, round }: LockedReplica,
  records: readonly RecordChange[],
): Promise<boolean> {
  if (records.length === 0) return false;
  const { rows } = await sql<{ changed: boolean }>`
    insert into replica_record as r (connection_serial, kind, external_id, attributes, sequence, round)
    select ${connectionSerial}::bigint, n.kind, n.external_id,
      n.attributes - array(select key from jsonb_each(n.attributes) where value = 'null'::jsonb), ${sequence}::bigint, ${round}::integer
    from unnest(${records.map(({ kind }) => kind)}::text[], ${records.map(({ externalId }) => externalId)}::text[],
      ${records.map(({ attributes }) => JSON.stringify(attributes))}::text[]::jsonb[]) as n (kind, external_id, attributes)
    order by n.kind, n.external_id
    on conflict (connection_serial, kind, external_id) do nothing
    returning true as changed`.execute(trx);
  const merges = records.map(({ verb }) => verb === 'merge');
  const updated = await sql`
    update replica_record r
    set attributes = m.attributes, sequence = ${sequence}, revision = r.revision + 1, modified_at = now(), removed_at = null,
      removal_requested_at = null
    from unnest(${records.map(({ kind }) => kind)}::text[], ${records.map(({ externalId }) => externalId)}::text[],
      ${records.map(({ attributes }) => JSON.stringify(attributes))}::text[]::jsonb[], ${merges}::boolean[]) as n (kind, external_id, attributes, merged)
    cross join lateral (
      select (case when n.merged and o.removed_at is null and o.round = ${round} then o.attributes || n.attributes else n.attributes end)
        - array(select key from jsonb_each(n.attributes) where value = 'null'::jsonb) as attributes
      from replica_record o
      where o.connection_serial = ${connectionSerial} and o.kind = n.kind and o.external_id = n.external_id
    ) m
    where r.connection_serial = ${connectionSerial} and r.kind = n.kind and r.external_id = n.external_id
      and (r.removed_at is not null or r.removal_requested_at is not null or r.attributes <> m.attributes)`.execute(
    trx,
  );
  return rows.length > 0 || (updated.numAffectedRows ?? 0n) > 0n;
}

async function markSeen(
  trx: Trx,
  { connectionSerial, round }: LockedReplica,
  records: readonly RecordChange[],
): Promise<void> {
  await sql`
    update replica_record r set round = ${round}
    from unnest(${records.map(({ kind }) => kind)}::text[], ${records.map(({ externalId }) => externalId)}::text[]) as n (kind, external_id)
    where r.connection_serial = ${connectionSerial} and r.kind = n.kind and r.external_id = n.external_id and r.round <> ${round}`.execute(
    trx,
  );
}

async function removeRecords(
  trx: Trx,
  { connectionSerial, sequence }: LockedReplica,
  records: readonly RecordChange[],
): Promise<boolean> {
  if (records.length === 0) return false;
  const { numAffectedRows = 0n } = await sql`
    update replica_record r set removed_at = now(), sequence = ${sequence}, revision = r.revision + 1, removal_requested_at = null
    from unnest(${records.map(({ kind }) => kind)}::text[], ${records.map(({ externalId }) => externalId)}::text[]) as n (kind, external_id)
    where r.connection_serial = ${connectionSerial} and r.kind = n.kind and r.external_id = n.external_id and r.removed_at is null`.execute(
    trx,
  );
  const groups = records.filter(({ kind }) => kind === 'group').map(({ externalId }) => externalId);
  if (groups.length > 0) {
    await sql`
      update replica_member set removed = true, sequence = ${sequence}
      where connection_serial = ${connectionSerial} and group_id = any(${groups}::text[]) and not removed`.execute(
      trx,
    );
  }
  return numAffectedRows > 0n;
}

/** Groups whose members changed have changed. */
async function touchGroups(
  trx: Trx,
  { connectionSerial, sequence }: LockedReplica,
  groups: readonly string[],
): Promise<void> {
  if (groups.length === 0) return;
  await sql`
    update replica_record set sequence = ${sequence}, revision = revision + 1, modified_at = now()
    where connection_serial = ${connectionSerial} and kind = 'group' and external_id = any(${groups}::text[])
      and sequence <> ${sequence}`.execute(trx);
}

async function writeMembers(
  trx: Trx,
  { connectionSerial, sequence, round }: LockedReplica,
  members: readonly MemberChange[],
): Promise<readonly string[]> {
  if (members.length === 0) return [];
  const given = sql`unnest(${members.map(({ groupId }) => groupId)}::text[], ${members.map(({ memberId }) => memberId)}::text[],
    ${members.map(({ removed }) => removed)}::boolean[]) as n (group_id, member_id, removed)`;
  const changed = await sql<{ group_id: string }>`
    update replica_member m set removed = n.removed, sequence = ${sequence}, round = ${round}
    from ${given}
    where m.connection_serial = ${connectionSerial} and m.group_id = n.group_id and m.member_id = n.member_id and m.removed <> n.removed
    returning m.group_id`.execute(trx);
  const added = await sql<{ group_id: string }>`
    insert into replica_member (connection_serial, group_id, member_id, sequence, round)
    select ${connectionSerial}::bigint, n.group_id, n.member_id, ${sequence}::bigint, ${round}::integer from ${given}
    where not n.removed order by 2, 3
    on conflict do nothing returning group_id`.execute(trx);
  await sql`
    update replica_member m set round = ${round} from ${given}
    where m.connection_serial = ${connectionSerial} and m.group_id = n.group_id and m.member_id = n.member_id
      and m.round <> ${round} and not n.removed`.execute(trx);
  return [...new Set([...changed.rows, ...added.rows].map(({ group_id }) => group_id))];
}

/** Applies changes to a locked replica. @returns whether anything differs from before */
export async function applyReplicaChanges(
  trx: Trx,
  replica: LockedReplica,
  changes: readonly ReplicaChange[],
): Promise<boolean> {
  const { records, members } = foldChanges(changes);
  const kept = records.filter(({ verb }) => verb !== 'remove');
  const written = await upsertRecords(trx, replica, kept);
  if (kept.length > 0) await markSeen(trx, replica, kept);
  const removed = await removeRecords(
    trx,
    replica,
    records.filter(({ verb }) => verb === 'remove'),
  );
  const groups = await writeMembers(trx, replica, members);
  await touchGroups(trx, replica, groups);
  return written || removed || groups.length > 0;
}

/** The end of a whole round: what it did not bring is gone. @returns whether anything was */
export async function removeUnseen(
  trx: Trx,
  { connectionSerial, sequence, round }: LockedReplica,
): Promise<boolean> {
  const members = await sql<{ group_id: string }>`
    update replica_member set removed = true, sequence = ${sequence}
    where connection_serial = ${connectionSerial} and round < ${round} and not removed returning group_id`.execute(
    trx,
  );
  await touchGroups(trx, { connectionSerial, sequence, round }, [
    ...new Set(members.rows.map(({ group_id }) => group_id)),
  ]);
  const records = await sql`
    update replica_record set removed_at = now(), sequence = ${sequence}, revision = revision + 1
    where connection_serial = ${connectionSerial} and round < ${round} and removed_at is null`.execute(trx);
  return members.rows.length > 0 || (records.numAffectedRows ?? 0n) > 0n;
}
