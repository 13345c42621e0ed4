import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { RunnableJob, RunnableSync, Staging } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';
import {
  egressCandidates,
  findByPlace,
  findStagedByPlace,
  ingressCandidates,
  missingLinks,
  referencesOfUnits,
  resolveUnits,
  unlinkedKinds,
  unlinkedSources,
} from './candidates.ts';
import { matchEgressKind, matchIngressKind, refuseTakenUsernames } from './match.ts';
import { refuseUnitCycles } from './check-batch.ts';
import { commitPlan } from './guarded-plan.ts';
import { getJob } from './job-rows.ts';
import {
  countSameMemberships,
  planAddedMembers,
  planRemovedMembers,
  unsettleGroups,
  writeWaitingMembers,
} from './members.ts';
import {
  countLinked,
  countUnmanaged,
  nameSettled,
  refreshLinks,
  releaseLinks,
  settleStaged,
  unsettleHomeless,
  unsettleForLeaving,
  unsettleReferrers,
  writeSettledLinks,
} from './plan-rows.ts';
import { createdPlaces, divideCreates, planCreates, settlePlaces } from './plan-creates.ts';
import { PlanText } from './plan-text.ts';
import { planPasswords } from './passwords.ts';
import { planPendingReferences } from './references.ts';
import { referrers } from './referrers.ts';
import { resolveReferences } from './resolve-references.ts';
import { keepSelected } from './selected-changes.ts';
import { SeenTally, listUnseen, settleSeen } from './seen-keys.ts';
import { indexCandidates, indexStaged, markTouched, noteGone, see } from './stage-read.ts';
import { StagedRows } from './staged-rows.ts';
import { analyzeStaged } from './staging-statistics.ts';
import { markNeeds, sawAll, stageMissing, stageSource } from './stage-source.ts';
import { introduceSync, refreshPlanStatistics } from './table-statistics.ts';
import { noteJoined, planMembersBack, undoCandidates } from './undo.ts';
import { refuseUndoConflicts } from './undo-conflicts.ts';
import { openStagingArea, requireStaged } from './staging-area.ts';

/** Opens the staging area of a job; what an interrupted attempt left in it is gone. */
export async function openStaging(store: Store, job: RunnableJob, sync: RunnableSync): Promise<Staging> {
  await introduceSync(store, sync.serial);
  const area = await openStagingArea(store, job, sync);
  const { context } = area;
  const staged = new StagedRows(context);
  const plan = new PlanText(context);
  const tally = new SeenTally();
  // A dry run leaves no trace, an approving or a partial run none but the plan that it was asked to apply.
  const settles = job.mode === 'apply' && job.selection === null;
  return {
    markTouched: () => markTouched(context),
    async see(keys) {
      const dirty = await see(context, keys);
      tally.note(keys, dirty);
      return dirty;
    },
    settleSeen: () => settleSeen(context, tally),
    listUnseen: async (kinds, most) =>
      (await sawAll(context, tally)) ? [] : listUnseen(context, kinds, most),
    refuseUnitCycles: () => refuseUnitCycles(store, job),
    stage: (object) => staged.add(object),
    ship: (least) => staged.ship(least),
    noteGone: (keys) => noteGone(context, keys),
    async matchIngress(rules, absence) {
      await indexStaged(context);
      for (const kind of objectKinds) await matchIngressKind(context, kind, rules[kind], absence);
      await refuseTakenUsernames(context);
      await indexCandidates(context);
      await analyzeStaged(context, 'object');
    },
    resolveReferences: (kinds, absence) =>
      resolveReferences(
        context,
        kinds,
        absence,
        async () => absence === 'told' || !(await sawAll(context, tally)),
      ),
    referrers: (kind) => referrers(context, kind),
    planPendingReferences: (first) => planPendingReferences(context, first),
    planPasswords: (first, now) => planPasswords(context, first, now),
    createdPlaces: () => createdPlaces(context),
    settlePlaces: (rows) => settlePlaces(context, rows),
    divideCreates: () => divideCreates(context),
    planCreates: (parts, first, planned) => planCreates(context, parts, first, planned),
    ingressCandidates: (kind) => ingressCandidates(context, kind),
    stageSource: (scopes, kinds, filter) => stageSource(context, scopes, kinds, filter),
    async stageSourceMatches(rows) {
      const columns = ['kind', 'object_id', 'rule', 'value'];
      await store.copyInto(
        store.db,
        context.tableName('source_match'),
        columns,
        rows.map((row) => [row.kind, row.objectId, row.rule, row.value]),
      );
    },
    async markNeeds(absence) {
      await indexStaged(context);
      await markNeeds(context, absence);
    },
    async matchEgress(rules) {
      for (const kind of objectKinds) await matchEgressKind(context, kind, rules[kind]);
    },
    unlinkedKinds: () => unlinkedKinds(context),
    unlinkedSources: (kind) => unlinkedSources(context, kind),
    egressCandidates: (kind) => egressCandidates(context, kind),
    resolveUnits: (references) => resolveUnits(context, references),
    referencesOfUnits: (ids) => referencesOfUnits(context, ids),
    findByPlace: (kind, places, absence) => findByPlace(context, kind, places, absence),
    findStagedByPlace: (kind, places) => findStagedByPlace(context, kind, places),
    settleStaged: (rows) => settleStaged(context, rows),
    stageMissing: (kinds, absence) => stageMissing(context, kinds, absence, tally),
    missing: (kind) => missingLinks(context, kind),
    refreshLinks: (rows) => refreshLinks(context, rows),
    releaseLinks: (rows) => releaseLinks(context, rows),
    planChange: (ordinal, change) => plan.add(ordinal, change),
    writeChanges: () => plan.ship(),
    planAddedMembers: (first) => planAddedMembers(context, first),
    planRemovedMembers: (first, absence) => planRemovedMembers(context, first, absence),
    keepSelected: (selection) => keepSelected(context, selection),
    countSameMemberships: () => countSameMemberships(context),
    countLinked: () => countLinked(context),
    countUnmanaged: () => countUnmanaged(context),
    noteJoined: (undone) => noteJoined(context, undone),
    undoCandidates: (undone, kind, verbs) => undoCandidates(context, undone, kind, verbs),
    planMembersBack: (undone, verb, first) => planMembersBack(context, undone, verb, first),
    refuseUndoConflicts: () => refuseUndoConflicts(context),
    analyzePlan: (changes) => refreshPlanStatistics(store, changes),
    async commit(totals) {
      await store.transaction(async (trx) => {
        await nameSettled(context, trx);
        if (job.mode !== 'dryRun') {
          await unsettleReferrers(context, trx);
          await unsettleForLeaving(context, trx);
        }
        await unsettleHomeless(context, trx, totals.complete);
        if (settles) await writeSettledLinks(context, trx);
        if (settles) await writeWaitingMembers(context, trx);
        else if (job.mode !== 'dryRun') await unsettleGroups(context, trx);
        await commitPlan(trx, job, totals);
        await requireStaged(trx, job);
      });
      area.complete();
      return { ...(await getJob(store, job.id)), attempt: job.attempt };
    },
    [Symbol.asyncDispose]: () => area[Symbol.asyncDispose](),
  };
}
