import { parsePath } from '../../directory/path.ts';
import { matchKey } from '../../sync/match-key.ts';
import type { SyncStore } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';
import { applyToDirectory } from './apply-directory.ts';
import {
  addMessage,
  destructiveCounts,
  findHeldJob,
  findUnitByPath,
  finishJob,
  getJob,
  isCancelRequested,
  keepDestructive,
  takeUp,
  noteProgress,
  planDigest,
  recordIntent,
  resetPlan,
  skipPlanned,
} from './job-rows.ts';
import { ensureMatchAttribute } from './match-attributes.ts';
import { recordOutcomes } from './outcomes.ts';
import { openStaging } from './staging.ts';
import { computeStatistics } from './statistics.ts';
import { listUnitMoves, loadTargetBatch } from './target-batch.ts';

/** The engine's port to the store. */
export function makeSyncStore(store: Store): SyncStore {
  return {
    getJob: (jobId) => getJob(store, jobId),
    isCancelRequested: (job) => isCancelRequested(store, job),
    takeUp: (jobId) => takeUp(store, jobId),
    resetPlan: (job) => resetPlan(store, job),
    openStaging: (job, sync) => openStaging(store, job, sync),
    findUnitByPath: (tenantId, path) => findUnitByPath(store, tenantId, parsePath(path).map(matchKey), path),
    ensureMatchAttribute: (tenantId, kind, attribute) =>
      ensureMatchAttribute(store, tenantId, kind, attribute),
    destructiveCounts: (job) => destructiveCounts(store, job),
    skipPlanned: (job, which, code, message) => skipPlanned(store, job, which, code, message),
    planDigest: (jobSerial, which) => planDigest(store.db, jobSerial, which),
    keepDestructive: (job) => keepDestructive(store, job),
    findHeldJob: (jobId) => findHeldJob(store, jobId),
    noteProgress: (job, readCount) => noteProgress(store, job, readCount),
    addMessage: (job, level, text) => addMessage(store, job, level, text),
    applyToDirectory: (job, sync, from, size) => applyToDirectory(store, job, sync, from, size),
    loadTargetBatch: (job, sync, from, size, nodes) => loadTargetBatch(store, job, sync, from, size, nodes),
    listUnitMoves: (job, sync) => listUnitMoves(store, job, sync),
    recordIntent: (job, through) => recordIntent(store, job, through),
    recordOutcomes: (job, sync, through, outcomes) => recordOutcomes(store, job, sync, through, outcomes),
    computeStatistics: (jobSerial) => computeStatistics(store.db, jobSerial),
    finish: (job, sync, end) => finishJob(store, job, sync, end),
  };
}
