import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import { evaluateGuard, guardWindow } from './guard.ts';
import type { GuardCount, GuardVerdict } from './guard.ts';
import type { Run } from './run-context.ts';
import type { Absence, Staging } from './sync-store.ts';

/** What the guard says of the plan that was made. A run of changes is weighed with those of the day before. */
export async function weigh(run: Run, staging: Staging, absence: Absence): Promise<GuardVerdict> {
  const since = absence === 'told' ? new Date(run.startedAt.getTime() - guardWindow) : null;
  const [linked, losses] = await Promise.all([
    staging.countLinked(),
    run.store.countLosses(run.job, run.sync, since),
  ]);
  const counts = Object.fromEntries(
    kinds.map((kind) => [kind, { ...losses[kind], linked: linked[kind] }]),
  ) as Record<Kind, GuardCount>;
  return evaluateGuard(counts, run.specification.guard);
}
