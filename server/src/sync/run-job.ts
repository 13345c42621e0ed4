import type { JobStatus } from '@lockstep/contract/vocabulary.ts';
import { counted } from '../kernel/counted.ts';
import { LockstepError } from '../kernel/errors.ts';
import { applyPlan } from './apply-plan.ts';
import { jobStatus } from './job-status.ts';
import { makePlan } from './make-plan.ts';
import { makeUndoPlan } from './make-undo-plan.ts';
import type { Run } from './run-context.ts';
import type { PlanTotals, RunnableJob } from './sync-store.ts';

/** What the job says at its end besides its outcomes. */
async function endNotes({ job, store, sync, endpoint }: Run, totals: PlanTotals): Promise<string | null> {
  if (job.undoesJobId !== null)
    return 'the source was not asked: what it says comes back with the next run of the sync, unless source or configuration say otherwise by then';
  const waiting = await store.findWaitingMembers(sync);
  const cannotDisable = sync.direction === 'egress' && !endpoint.capabilities.disable;
  const disabled = cannotDisable ? await store.countDisabledAccounts(sync) : 0;
  const left = job.mode === 'approve' ? await store.countNotApproved(job) : 0;
  const notes: string[] = [];
  if (left > 0) {
    const what = counted(
      left,
      'change that is not a part of the approved plan is',
      'changes that are not a part of the approved plan are',
    );
    notes.push(`${what} left to the next run`);
  }
  if (!totals.complete)
    notes.push(
      `the read was not complete (${totals.reason ?? 'no reason given'}): nothing was deleted, disabled or removed`,
    );
  const unmanaged = Object.values(totals.unmanaged).reduce((sum, count) => sum + count, 0);
  if (unmanaged > 0) {
    notes.push(
      counted(
        unmanaged,
        'object of the target is not linked and was left alone',
        'objects of the target are not linked and were left alone',
      ),
    );
  }
  if (waiting.count > 0) {
    const examples = [...waiting.examples, ...(waiting.count > waiting.examples.length ? ['...'] : [])];
    const who = counted(
      waiting.count,
      'member that a group names is not in the directory and waits',
      'members that groups name are not in the directory and wait',
    );
    notes.push(`${who}: ${examples.join(', ')}`);
  }
  if (disabled > 0) {
    const who = counted(disabled, 'user that is', 'users that are');
    notes.push(
      `${who} disabled in the directory can still be used in the target: its connection has no \`disabled\`, which says how a disabled account shows`,
    );
  }
  return notes.length === 0 ? null : notes.join('; ');
}

async function holdIfTripped(run: Run, totals: PlanTotals): Promise<void> {
  if (!totals.verdict.tripped || run.job.mode === 'approve') return;
  const sentence = totals.verdict.findings.map((finding) => finding.sentence).join('; ');
  const isDry = run.job.mode === 'dryRun';
  const message = `${isDry ? 'the guard would hold this' : 'held by the guard'}: ${sentence}`;
  await run.store.skipPlanned(run.job, totals.verdict.hold, 'Held', message);
  const remedy = isDry ? '' : '. Approve the job to apply what it held.';
  await run.store.addMessage(run.job, 'warning', `${message}${remedy}`);
}

/** An approving job applies exactly the plan that was held, or nothing. */
async function narrowToHeldPlan(run: Run): Promise<void> {
  if (run.job.mode !== 'approve' || run.job.approvesJobId === null) return;
  const held = await run.store.findHeldJob(run.job.approvesJobId);
  if (held.supersededBy !== null) {
    throw new LockstepError(
      'PlanSuperseded',
      `job ${held.supersededBy} ran after the held one and superseded its plan`,
      {
        remedy: 'Look at the newer job; approve that one if it is held.',
      },
    );
  }
  const before = await run.store.planDigest(held.serial, 'held');
  const now = await run.store.planDigest(run.job.serial, held.hold);
  if (before !== now) {
    throw new LockstepError(
      'PlanMoved',
      'source, target or configuration changed since the plan was held: what would be applied now differs from it',
      {
        remedy: 'Run the sync again and approve its job if the guard holds it.',
      },
    );
  }
  if (held.hold === 'destructive') await run.store.skipHarmless(run.job);
}

async function weighPlan(run: Run, totals: PlanTotals): Promise<void> {
  if (!totals.complete)
    await run.store.addMessage(
      run.job,
      'warning',
      `read not complete: ${totals.reason ?? 'no reason given'}`,
    );
  await narrowToHeldPlan(run);
  await holdIfTripped(run, totals);
  if (run.job.mode === 'dryRun')
    await run.store.skipPlanned(run.job, 'all', 'DryRun', 'planned only: this is a dry run');
}

async function finish(run: Run, job: RunnableJob, end: { cancelled: boolean }): Promise<JobStatus> {
  const statistics = await run.store.computeStatistics(job.serial);
  const totals = job.totals;
  const held = totals?.verdict.tripped === true && job.mode === 'apply';
  const incomplete = totals?.complete === false;
  const dry = run.job.mode === 'dryRun';
  const status = jobStatus({ dry, brokeOff: false, cancelled: end.cancelled, incomplete, held, statistics });
  const sentence = totals?.verdict.findings.map((finding) => finding.sentence).join('; ');
  await run.store.finish(job, run.sync, {
    status,
    statistics,
    errorCode: held ? 'GuardTripped' : incomplete ? 'IncompleteRead' : null,
    errorMessage: held ? (sentence ?? null) : incomplete ? (totals?.reason ?? null) : null,
    note: totals ? await endNotes(run, totals) : null,
  });
  return status;
}

/** Null: the job was cancelled while it read, and has no plan. */
async function planUnlessCancelled(run: Run): Promise<RunnableJob | null> {
  try {
    const { undoesJobId } = run.job;
    const weighed = (totals: PlanTotals): Promise<void> => weighPlan(run, totals);
    return await (undoesJobId === null ? makePlan(run, weighed) : makeUndoPlan(run, undoesJobId, weighed));
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'Cancelled') throw error;
    await run.store.resetPlan(run.job);
    return null;
  }
}

/**
 * Takes a job to its end: plans unless its plan is committed already, applies what is left of the plan, records.
 * May be called again after a crash at any moment, with the same result.
 * @throws when the run as a whole could not go on; the caller decides whether to try again or to end the job.
 */
export async function runJob(run: Run): Promise<JobStatus> {
  const { store } = run;
  const fresh = run.job.phase === 'read' || run.job.phase === 'plan';
  const job = fresh ? await planUnlessCancelled(run) : run.job;
  if (job === null) return finish(run, run.job, { cancelled: true });
  let cancelled = await store.isCancelRequested(job);
  // What was written before an interruption becomes visible at the end of the session, also where the rest is cancelled.
  const isUnderWay = !cancelled || job.appliedOrdinal > 0;
  if (isUnderWay && job.mode !== 'dryRun') cancelled = (await applyPlan({ ...run, job })) || cancelled;
  if (cancelled) await store.skipPlanned(job, 'all', 'Cancelled', 'the job was cancelled before this change');
  return finish(run, job, { cancelled });
}
