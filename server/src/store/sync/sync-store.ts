import { parsePath } from '../../directory/path.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { matchKey } from '../../sync/match-key.ts';
import type { SyncStore } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';
import { applyToDirectory } from './apply-directory.ts';
import {
  countLosses,
  countNotApproved,
  findHeldJob,
  planDigest,
  skipHarmless,
  skipPlanned,
  withdrawExports,
} from './guarded-plan.ts';
import {
  addMessage,
  findUnitByPath,
  finishJob,
  getJob,
  isCancelRequested,
  takeUp,
  countPlannedWork,
  noteLeastSeconds,
  noteProgress,
  recordIntent,
  resetPlan,
} from './job-rows.ts';
import { ensureMatchAttribute } from './match-attributes.ts';
import type { PasswordReading } from './passwords.ts';
import { recordOutcomes } from './outcomes.ts';
import { openStaging } from './staging.ts';
import { computeStatistics } from './statistics.ts';
import { findTakenEntries } from './taken-entries.ts';
import { countDisabledAccounts } from './disabled-accounts.ts';
import { findWaitingMembers } from './waiting-members.ts';
import { requireImages } from './undo.ts';
import { listUnitMoves, loadTargetBatch } from './target-batch.ts';

/** Where nobody gives passwords, none waits. */
const noPasswords: PasswordReading = {
  open() {
    throw new LockstepError('Internal', 'nothing opens passwords here');
  },
  now: () => new Date(),
};

/** The engine's port to the store. */
export function makeSyncStore(store: Store, passwords: PasswordReading = noPasswords): SyncStore {
  return {
    getJob: (jobId) => getJob(store, jobId),
    isCancelRequested: (job) => isCancelRequested(store, job),
    takeUp: (jobId) => takeUp(store, jobId),
    resetPlan: (job) => resetPlan(store, job),
    openStaging: (job, sync) => openStaging(store, job, sync),
    findUnitByPath: (tenantId, path) => findUnitByPath(store, tenantId, parsePath(path).map(matchKey), path),
    ensureMatchAttribute: (tenantId, kind, attribute) =>
      ensureMatchAttribute(store, tenantId, kind, attribute),
    countLosses: (job, sync, since) => countLosses(store, job, sync, since),
    withdrawExports: (job, code, message) => withdrawExports(store, job, code, message),
    skipPlanned: (job, which, code, message) => skipPlanned(store, job, which, code, message),
    planDigest: (jobSerial, which) => planDigest(store.db, jobSerial, which),
    skipHarmless: (job) => skipHarmless(store, job),
    findHeldJob: (jobId) => findHeldJob(store, jobId),
    countPlannedWork: (job) => countPlannedWork(store, job),
    noteLeastSeconds: (job, seconds) => noteLeastSeconds(store, job, seconds),
    noteProgress: (job, progress) => noteProgress(store, job, progress),
    addMessage: (job, level, text) => addMessage(store, job, level, text),
    applyToDirectory: (job, sync, from, size) => applyToDirectory(store, job, sync, from, size),
    loadTargetBatch: (job, sync, from, size, nodes, unrecorded) =>
      loadTargetBatch(store, job, sync, from, size, nodes, unrecorded, passwords),
    listUnitMoves: (job, sync) => listUnitMoves(store, job, sync),
    findTakenEntries: (job, sync, outcomes) => findTakenEntries(store, job, sync, outcomes),
    recordIntent: (job, through) => recordIntent(store, job, through),
    requireImages: (jobSerial) => requireImages(store, jobSerial),
    recordOutcomes: (job, sync, through, outcomes) => recordOutcomes(store, job, sync, through, outcomes),
    findWaitingMembers: (sync) => findWaitingMembers(store, sync),
    countDisabledAccounts: (sync) => countDisabledAccounts(store, sync),
    countNotApproved: (job) => countNotApproved(store, job),
    computeStatistics: (jobSerial) => computeStatistics(store.db, jobSerial),
    finish: (job, sync, end) => finishJob(store, job, sync, end),
  };
}
