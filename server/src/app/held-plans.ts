import type { HeldPlanView } from '@lockstep/contract/job.ts';
import { selectHeldPlanSequels, type JobRow } from '../store/queries/jobs.ts';
import type { Application } from './application.ts';

/**
 * What became of the plans that jobs hold: whether they still wait, which job applied them and who approved it, or
 * which newer run took their place.
 * @returns by id of the job, for those of the jobs that hold a plan.
 */
export async function loadHeldPlans(
  app: Application,
  rows: readonly JobRow[],
): Promise<ReadonlyMap<string, HeldPlanView>> {
  const held = rows.filter(({ status, mode }) => status === 'held' && mode === 'apply');
  const plans = new Map<string, HeldPlanView>();
  if (held.length === 0) return plans;
  const waiting: HeldPlanView = { state: 'waiting', jobId: null, account: null, at: null };
  for (const { id } of held) plans.set(id, waiting);
  const sequels = await selectHeldPlanSequels(
    app.store.db,
    held.map(({ id }) => id),
  );
  for (const { heldJobId, approves, jobId, startedBy, createdAt } of sequels) {
    plans.set(heldJobId, {
      state: approves ? 'approved' : 'superseded',
      jobId,
      account: startedBy,
      at: createdAt.toISOString(),
    });
  }
  return plans;
}
