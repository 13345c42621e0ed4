import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  countHeldLinks,
  countPendingRemovals,
  requestRemoval,
  type PushedSync,
} from '../../store/queries/pushed-losses.ts';
import { selectSyncsOfConnection } from '../../store/queries/sync-targets.ts';
import type { SyncRow } from '../../store/queries/syncs.ts';
import { countRecentRemovals } from '../../store/sync/guarded-plan.ts';
import { evaluateGuard, guardWindow, noLoss, type GuardCount } from '../../sync/guard.ts';
import { resolveGuard } from '../../sync/guard-limits.ts';
import type { Push } from './push.ts';

async function heldBy({ app, connection }: Push, row: SyncRow, id: string): Promise<string | undefined> {
  if (!row.enabled || row.direction !== 'ingress') return undefined;
  const { db } = app.store;
  const position = row.readPosition?.position;
  const sync: PushedSync = {
    id: row.id,
    serial: row.serial,
    connectionSerial: connection.serial,
    position: typeof position === 'number' ? position : 0,
    believesAbsence: row.settings.onMissing !== 'ignore',
  };
  if ((await countPendingRemovals(db, sync, id)).size === 0) return undefined;
  const pending = await countPendingRemovals(db, sync);
  const since = new Date(app.clock.now().getTime() - guardWindow);
  const recent = await countRecentRemovals(db, row.id, since);
  const counts = {} as Record<Kind, GuardCount>;
  for (const kind of kinds) {
    const removed = pending.get(kind) ?? 0;
    const linked = removed === 0 ? 0 : await countHeldLinks(db, row.serial, kind);
    counts[kind] = { ...noLoss, removed: removed === 0 ? 0 : removed + (recent.get(kind) ?? 0), linked };
  }
  const { tripped, findings } = evaluateGuard(counts, resolveGuard(row.settings.guard));
  return tripped ? findings.map(({ sentence }) => sentence).join('; ') : undefined;
}

/**
 * After something was pushed that takes away from a record: whether the guard will hold it. It stays pushed, the next
 * job of the sync ends held with it, and whoever pushed is told to come again.
 * @throws LockstepError Held
 */
export async function refuseHeldLosses(push: Push, id: string): Promise<void> {
  const { app, connection } = push;
  for (const sync of await selectSyncsOfConnection(app.store.db, connection.tenantId, connection.id)) {
    const sentence = await heldBy(push, sync, id);
    if (sentence === undefined) continue;
    throw new LockstepError('Held', `This waits for the approval of an administrator: ${sentence}.`);
  }
}

/** Before a record is removed. @throws LockstepError Held: it stays, and goes once the plan is approved. */
export async function assertRemovable(push: Push, kind: 'user' | 'group', id: string): Promise<void> {
  const { app, connection } = push;
  await requestRemoval(app.store.db, connection.serial, kind, id, app.clock.now());
  await refuseHeldLosses(push, id);
}
