import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import { ChangeWriter } from './change-writer.ts';
import { planUndo } from './plan-undo.ts';
import { ProgressNotes } from './progress-notes.ts';
import type { Run } from './run-context.ts';
import type { PlanTotals, RunnableJob, Staging } from './sync-store.ts';
import { weigh } from './weigh.ts';

/** Which changes of the undone job are taken back together, the last of them first. */
interface Step {
  readonly kinds: readonly ObjectKind[];
  readonly verbs: readonly Verb[];
}

const altering: readonly Verb[] = ['update', 'move', 'enable', 'disable'];

/**
 * The order in which objects are taken back: names are given up before others take them, units are there before what
 * hangs on them and go when they are empty. Members leave before these steps, and come back where `members` stands.
 */
const steps: readonly (Step | 'members')[] = [
  { kinds: ['user', 'group'], verbs: ['create'] },
  { kinds: objectKinds, verbs: ['delete'] },
  { kinds: ['user', 'group', 'organizationalUnit'], verbs: altering },
  'members',
  { kinds: objectKinds, verbs: ['bind', 'unbind'] },
  { kinds: ['organizationalUnit'], verbs: ['create'] },
];

async function planStep(
  run: Run,
  staging: Staging,
  writer: ChangeWriter,
  undone: number,
  { kinds, verbs }: Step,
): Promise<void> {
  for (const kind of kinds) {
    for await (const page of staging.undoCandidates(undone, kind, verbs)) {
      run.signal.throwIfAborted();
      await writer.write(page.flatMap((each) => planUndo(each, run.specification.matchAttributes)));
    }
  }
}

const none = { organizationalUnit: 0, user: 0, group: 0, membership: 0 };

/**
 * Plans what takes back all that an earlier job of the sync did to the directory: of each change that succeeded the
 * inverse, as far as its object is still as that job left it. Like any other plan it is weighed, previewed, held and
 * applied; the source is not asked.
 */
export async function makeUndoPlan(
  run: Run,
  undoesJobId: string,
  weighed: (totals: PlanTotals) => Promise<void>,
): Promise<RunnableJob> {
  await run.store.resetPlan(run.job);
  const { serial } = await run.store.getJob(undoesJobId);
  await run.store.requireImages(serial);
  await using staging = await run.store.openStaging(run.job, run.sync);
  const progress = new ProgressNotes(run.store, run.job);
  await progress.readEnded();
  await using writer = new ChangeWriter(staging, progress);
  await staging.noteJoined(serial);
  await writer.hand((first) => staging.planMembersBack(serial, 'addMember', first));
  for (const step of steps) {
    if (step === 'members')
      await writer.hand((first) => staging.planMembersBack(serial, 'removeMember', first));
    else await planStep(run, staging, writer, serial, step);
  }
  await writer.flush();
  // A unit above it may have gone below it since.
  await staging.refuseUnitCycles();
  await staging.refuseUndoConflicts();
  await staging.analyzePlan(writer.last);
  const totals: PlanTotals = {
    lastOrdinal: writer.last,
    same: none,
    unmanaged: none,
    readCount: 0,
    complete: true,
    reason: null,
    // What the source says still has to be looked at as a whole.
    readPosition: null,
    verdict: await weigh(run, staging, 'whole'),
  };
  await weighed(totals);
  return await staging.commit(totals);
}
