import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import { evaluateGuard, guardWindow } from './guard.ts';
import type { GuardCount, GuardVerdict } from './guard.ts';
import type { Run } from './run-context.ts';
import type { Absence, Staging } from './sync-store.ts';

/** What the guard says of the plan that was made. A run of changes is weighed with those of the day before. */
export async function weigh(run: Run, staging: Staging, absence: Absence): Promise<GuardVerdict> {
  const since = absence === 'told' ? new Date(run.startedAt.getTime() - guardWindow) : null;
  const losses = await run.store.countLosses(run.job, run.sync, since);
  // Where nothing is lost it does not matter of how many.
  const isLossy = kinds.some((kind) => losses[kind].removed > 0 || losses[kind].blanked > 0);
  const linked = isLossy ? await staging.countLinked() : undefined;
  const counts = Object.fromEntries(
    kinds.map((kind) => [kind, { ...losses[kind], linked: linked?.[kind] ?? 0 }]),
  ) as Record<Kind, GuardCount>;
  return evaluateGuard(counts, run.specification.guard);
}
