import { LockstepError } from '../kernel/errors.ts';
import { externalNode } from './run-context.ts';
import type { Run } from './run-context.ts';
import type { TargetOutcome, TargetSession } from './connector.ts';
import type { BatchOutcome } from './sync-store.ts';

/** Changes in one transaction of the directory, and in one batch to a connected system. */
const directoryBatch = 4000;
const targetBatch = 500;

function batchOutcome(outcome: TargetOutcome): BatchOutcome {
  if (!outcome.ok)
    return { ordinal: outcome.ordinal, result: 'failed', code: outcome.code, message: outcome.message };
  const { ordinal, externalId, location, reference, alias } = outcome;
  return { ordinal, result: 'success', externalId, location, reference, alias };
}

async function applyToDirectory(run: Run): Promise<boolean> {
  let position = run.job.appliedOrdinal;
  while (position < run.job.lastOrdinal) {
    run.signal.throwIfAborted();
    if (await run.store.isCancelRequested(run.job)) return true;
    position = await run.store.applyToDirectory(run.job, run.sync, position, directoryBatch);
  }
  return false;
}

async function applyBatches(run: Run, session: TargetSession, nodes: readonly string[]): Promise<boolean> {
  let position = run.job.appliedOrdinal;
  while (position < run.job.lastOrdinal) {
    run.signal.throwIfAborted();
    if (await run.store.isCancelRequested(run.job)) return true;
    const batch = await run.store.loadTargetBatch(run.job, run.sync, position, targetBatch, nodes);
    const recovering = run.job.intendedOrdinal > position;
    let written: readonly TargetOutcome[] = [];
    if (batch.changes.length > 0) {
      await run.store.recordIntent(run.job, batch.through);
      written = await session.apply(batch.changes, { recovering, signal: run.signal });
    }
    if (written.length !== batch.changes.length) {
      throw new LockstepError('Internal', 'the target did not answer for each change of a batch');
    }
    await run.store.recordOutcomes(run.job, run.sync, batch.through, [
      ...batch.settled,
      ...written.map(batchOutcome),
    ]);
    position = batch.through;
  }
  return false;
}

/**
 * Carries out what is left of a committed plan, batch by batch; each batch is committed with its outcomes.
 * Returns whether the job was cancelled on the way.
 */
export async function applyPlan(run: Run): Promise<boolean> {
  if (run.sync.direction === 'ingress') return applyToDirectory(run);
  if (run.job.lastOrdinal === 0) return false;
  const nodes = run.specification.scopes.map((_, index) => externalNode(run, index));
  await using session = await run.endpoint.openTarget({
    job: run.job.id,
    scopes: nodes.map((node) => ({ node })),
    moved: run.job.appliedOrdinal === 0 ? [] : await run.store.listUnitMoves(run.job, run.sync),
  });
  const cancelled = await applyBatches(run, session, nodes);
  await session.finish();
  return cancelled;
}
