import { LockstepError } from '../kernel/errors.ts';
import { BatchSize } from './batch-size.ts';
import { externalNodes } from './external-nodes.ts';
import { mixFingerprints } from './fingerprint.ts';
import { externalNode } from './run-context.ts';
import type { Run } from './run-context.ts';
import type { PlannedWork, TargetChange, TargetOutcome, TargetSession } from './connector.ts';
import { printable } from './storable.ts';
import type { BatchOutcome, TargetBatch } from './sync-store.ts';

/** Changes in one transaction of the directory. */
const directoryBatch = 4000;

function batchOutcome(
  { kind, verb, ordinal, password, unresolved }: TargetChange,
  outcome: TargetOutcome | undefined,
  version: string,
): BatchOutcome {
  if (outcome?.ordinal !== ordinal)
    throw new LockstepError('Internal', 'the target did not answer for each change of a batch');
  if (!outcome.ok)
    return { ordinal, kind, verb, result: 'failed', code: outcome.code, message: printable(outcome.message) };
  if (unresolved !== undefined) {
    const message = `${unresolved.join(', ')}: an object that it shall name is not in the target; the rest was written`;
    return { ordinal, kind, verb, result: 'failed', code: 'DependencyFailed', message };
  }
  const { externalId, location, reference, alias, unfollowed } = outcome;
  const fingerprint = outcome.fingerprint && mixFingerprints(outcome.fingerprint, version);
  const passwordVersion = password?.version;
  return {
    ordinal,
    kind,
    verb,
    result: 'success',
    externalId,
    location,
    reference,
    alias,
    passwordVersion,
    fingerprint,
    unfollowed,
  };
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

const nothing: ReadonlySet<string> = new Set();

/** Later batches are not prepared while one that moves objects is under way: locations beneath those change with it. */
function allowsAhead({ changes }: TargetBatch): boolean {
  return changes.every(({ verb }) => verb !== 'move');
}

function workWithout(left: PlannedWork | undefined, { changes }: TargetBatch): PlannedWork | undefined {
  if (left === undefined) return undefined;
  const memberships = changes.filter(({ kind }) => kind === 'membership').length;
  return {
    objects: Math.max(0, left.objects - changes.length + memberships),
    memberships: Math.max(0, left.memberships - memberships),
  };
}

/**
 * Writes a plan to a connected system, batch by batch. While one is written, the outcomes of the one before are recorded
 * and the next one is loaded. Recording follows the order of the plan, and each batch is covered by an intent before it
 * is written: after a crash everything behind the last recorded outcome is looked up before it is written again.
 */
class TargetWriter {
  readonly #run: Run;
  readonly #session: TargetSession;
  readonly #nodes: readonly string[];
  readonly #version: string;
  readonly #batchSize = new BatchSize();
  /** Up to where an intent of this run is committed. */
  #intended = 0;
  /** What is left to write, where the system's quota is known. */
  #left: PlannedWork | undefined;
  /** The batch whose outcomes are being recorded, and its recording. */
  #recorded: { readonly batch: TargetBatch; readonly done: Promise<void> } | undefined;

  constructor(run: Run, session: TargetSession, nodes: readonly string[]) {
    this.#run = run;
    this.#session = session;
    this.#nodes = nodes;
    this.#version = run.specification.version;
  }

  /** Returns whether the job was cancelled on the way. Nothing is under way any more when it settles. */
  async write(): Promise<boolean> {
    const { job, store, signal } = this.#run;
    if (this.#session.leastSeconds !== undefined) this.#left = await store.countPlannedWork(job);
    try {
      let batch: TargetBatch | null = null;
      for (let position = job.appliedOrdinal; position < job.lastOrdinal;) {
        signal.throwIfAborted();
        if (await store.isCancelRequested(job)) return true;
        batch ??= await this.#loadRecorded(position);
        await this.#noteLeastTime();
        const { outcomes, next }: Progress = await this.#writeAndLoad(batch, position);
        await this.#recorded?.done;
        this.#record(batch, outcomes);
        this.#left = workWithout(this.#left, batch);
        position = batch.through;
        batch = next;
      }
      return false;
    } finally {
      await this.#recorded?.done;
    }
  }

  /** What the quota of the system makes of what is left: it is known before a burst has been used up. */
  async #noteLeastTime(): Promise<void> {
    const { job, store } = this.#run;
    if (this.#left === undefined) return;
    await store.noteLeastSeconds(job, this.#session.leastSeconds?.(this.#left) ?? 0);
  }

  /** The batch that begins behind a position, once everything before it is recorded. */
  async #loadRecorded(position: number): Promise<TargetBatch> {
    await this.#recorded?.done;
    const batch = await this.#load(position, nothing);
    if (batch === null) throw new LockstepError('Internal', 'a batch waits for nothing');
    return batch;
  }

  #load(position: number, unrecorded: ReadonlySet<string>): Promise<TargetBatch | null> {
    const { job, store, sync } = this.#run;
    return store.loadTargetBatch(job, sync, position, this.#batchSize.size, this.#nodes, unrecorded);
  }

  async #writeAndLoad(batch: TargetBatch, position: number): Promise<Progress> {
    if (batch.changes.length > 0) await this.#intend(batch);
    const [outcomes, next] = await Promise.allSettled([this.#write(batch, position), this.#loadAhead(batch)]);
    if (outcomes.status === 'rejected') throw outcomes.reason;
    if (next.status === 'rejected') throw next.reason;
    return { outcomes: outcomes.value, next: next.value };
  }

  async #write(batch: TargetBatch, position: number): Promise<readonly BatchOutcome[]> {
    const { job, signal } = this.#run;
    if (batch.changes.length === 0) return batch.settled;
    const recovering = job.intendedOrdinal > position;
    const started = performance.now();
    const written = await this.#session.apply(batch.changes, { recovering, signal });
    this.#batchSize.learn({
      changes: batch.changes.length,
      milliseconds: performance.now() - started,
      memberships: batch.changes.every(({ kind }) => kind === 'membership'),
    });
    const outcomes = new Map(written.map((outcome) => [outcome.ordinal, outcome]));
    const made = batch.changes.map((change) =>
      batchOutcome(change, outcomes.get(change.ordinal), this.#version),
    );
    return [...batch.settled, ...(recovering ? await this.#refuseTaken(made) : made)];
  }

  /** What is taken for the creation that was meant may be the entry of another object, which has the same name. */
  async #refuseTaken(outcomes: readonly BatchOutcome[]): Promise<readonly BatchOutcome[]> {
    const { job, store, sync } = this.#run;
    await this.#recorded?.done;
    const taken = await store.findTakenEntries(job, sync, outcomes);
    const refusal = {
      result: 'failed',
      code: 'NameTaken',
      message: 'it is the entry of another object',
    } as const;
    return outcomes.map((outcome) => {
      if (!taken.has(outcome.ordinal)) return outcome;
      const { ordinal, kind, verb } = outcome;
      return { ordinal, kind, verb, ...refusal };
    });
  }

  /** Once for each batch: the intent waits for outcomes that are being recorded, since both write the job's row. */
  async #intend({ through }: TargetBatch): Promise<void> {
    if (through <= this.#intended) return;
    await this.#run.store.recordIntent(this.#run.job, through);
    this.#intended = through;
  }

  /** The batch behind one that is being written, with its intent; null where it has to wait for outcomes. */
  async #loadAhead(batch: TargetBatch): Promise<TargetBatch | null> {
    const before = this.#recorded?.batch;
    if (batch.through >= this.#run.job.lastOrdinal || !allowsAhead(batch)) return null;
    if (before !== undefined && !allowsAhead(before)) return null;
    const next = await this.#load(batch.through, new Set([...batch.placed, ...(before?.placed ?? nothing)]));
    if (next !== null && next.changes.length > 0) await this.#intend(next);
    return next;
  }

  #record(batch: TargetBatch, outcomes: readonly BatchOutcome[]): void {
    const { job, store, sync } = this.#run;
    const done = store.recordOutcomes(job, sync, batch.through, outcomes);
    // Whoever waits for it learns of its failure.
    done.catch(() => undefined);
    this.#recorded = { batch, done };
  }
}

interface Progress {
  readonly outcomes: readonly BatchOutcome[];
  readonly next: TargetBatch | null;
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
    scopes: externalNodes(run).nodes.map((node) => ({ node })),
    moved: run.job.appliedOrdinal === 0 ? [] : await run.store.listUnitMoves(run.job, run.sync),
  });
  const cancelled = await new TargetWriter(run, session, nodes).write();
  await session.finish();
  return cancelled;
}
