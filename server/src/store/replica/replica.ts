import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { sql } from 'kysely';
import type { Replica, ReplicaState } from '../../sync/replica.ts';
import type { Store } from '../store.ts';
import { findInReplica, readReplica } from './read-replica.ts';
import { advanceReplica, applyReplicaChanges, lockReplica, removeUnseen } from './write-replica.ts';

/** A filler that has not said for so many seconds that it is alive is dead. */
const leaseSeconds = 30;
/** How often one who waits asks again, in milliseconds. */
const patience = 200;

async function findState(store: Store, connectionSerial: number): Promise<ReplicaState> {
  const { rows } = await sql<ReplicaState>`
    select cursor, whole, sequence from replica where connection_serial = ${connectionSerial}`.execute(
    store.db,
  );
  return rows[0] ?? { cursor: null, whole: false, sequence: 0 };
}

/** Takes the lease, or renews one's own. */
async function takeLease(store: Store, connectionSerial: number, filler: string): Promise<boolean> {
  const { rows } = await sql`
    insert into replica as r (connection_serial, filler, filler_until)
    values (${connectionSerial}, ${filler}, now() + make_interval(secs => ${leaseSeconds}))
    on conflict (connection_serial) do update set filler = excluded.filler, filler_until = excluded.filler_until
    where r.filler is null or r.filler = excluded.filler or r.filler_until < now()
    returning 1`.execute(store.db);
  return rows.length > 0;
}

async function exclusively<Result>(
  store: Store,
  connectionSerial: number,
  work: () => Promise<Result>,
  signal: AbortSignal,
): Promise<Result> {
  const filler = randomUUID();
  while (!(await takeLease(store, connectionSerial, filler))) await delay(patience, undefined, { signal });
  const renewal = setInterval(
    () => {
      takeLease(store, connectionSerial, filler).catch(() => undefined);
    },
    (leaseSeconds * 1000) / 3,
  );
  try {
    return await work();
  } finally {
    clearInterval(renewal);
    await sql`
      update replica set filler = null, filler_until = null
      where connection_serial = ${connectionSerial} and filler = ${filler}`.execute(store.db);
  }
}

/**
 * The replica of a connection, in the store.
 * @param syncSerial the sync that it is read for: of groups that this one has not linked a read of changes brings all members.
 */
export function openReplica(store: Store, connectionSerial: number, syncSerial?: number): Replica {
  return {
    state: () => findState(store, connectionSerial),
    async write(changes, progress) {
      await store.transaction(async (trx) => {
        const locked = await lockReplica(trx, connectionSerial);
        const begins = progress?.round === 'begin' || progress?.round === 'only';
        const replica = begins ? { ...locked, round: locked.round + 1 } : locked;
        let changed = await applyReplicaChanges(trx, replica, changes);
        const ends = progress?.round === 'end' || progress?.round === 'only';
        if (ends) changed = (await removeUnseen(trx, replica)) || changed;
        if (changed) await advanceReplica(trx, replica);
        if (progress === undefined) return;
        await sql`
          update replica set cursor = ${JSON.stringify(progress.cursor ?? null)}::jsonb, round = ${replica.round},
            whole = whole or ${ends}
          where connection_serial = ${connectionSerial}`.execute(trx);
      });
    },
    find: (kind, ids) => findInReplica(store.db, connectionSerial, kind, ids),
    read: (options) => readReplica(store.db, { connectionSerial, syncSerial }, options),
    exclusively: (work, signal) => exclusively(store, connectionSerial, work, signal),
  };
}
