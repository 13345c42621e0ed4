import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';
import { bulkChanges, writeByBulk } from './bulk.ts';
import { applyChange, temporaryName, updateResource, valueOf } from './changes.ts';
import { failed, isOfOneObject } from './errors.ts';
import { applyMemberships } from './memberships.ts';
import { inParallel } from './in-parallel.ts';
import { foldName, nameAttributes } from './naming.ts';
import { keysOf, runInOrder } from './order.ts';
import { kindOf, type Writing } from './writing.ts';

/** What a session needs, opened by its first batch. */
export type OpenWriting = (signal: AbortSignal) => Promise<Omit<Writing, 'recovering' | 'signal'>>;

/** Writes to a SCIM service; every change is there as soon as its request was answered. */
export class ScimTargetSession implements TargetSession {
  readonly #open: OpenWriting;

  constructor(open: OpenWriting) {
    this.#open = open;
  }

  async apply(
    changes: readonly TargetChange[],
    { recovering, signal }: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]> {
    if (changes.length === 0) return [];
    const writing: Writing = { ...(await this.#open(signal)), recovering, signal };
    const outcomes = new Map<number, TargetOutcome>();
    for (const run of runsOf(changes)) {
      // oxlint-disable-next-line no-await-in-loop -- a member must be there before a group names it
      for (const outcome of await applyRun(writing, run)) outcomes.set(outcome.ordinal, outcome);
    }
    return withOwnIds(changes, outcomes);
  }

  finish(): Promise<void> {
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** An id is that of one resource: of creations that were told the same one, none but the first is believed. */
function withOwnIds(
  changes: readonly TargetChange[],
  outcomes: ReadonlyMap<number, TargetOutcome>,
): TargetOutcome[] {
  const told = new Set<string>();
  return changes.flatMap((change) => {
    const outcome = outcomes.get(change.ordinal);
    if (outcome === undefined) return [];
    if (change.verb !== 'create' || !outcome.ok || outcome.externalId === undefined) return outcome;
    const id = `${change.kind} ${outcome.externalId}`;
    if (!told.has(id)) {
      told.add(id);
      return outcome;
    }
    const message = `the SCIM service told the id ${JSON.stringify(outcome.externalId)} of another resource`;
    return failed(change, new LockstepError('ProtocolError', message));
  });
}

/** Cuts a batch where memberships, users or groups begin and end. */
function runsOf(changes: readonly TargetChange[]): TargetChange[][] {
  const runs: TargetChange[][] = [];
  for (const change of changes) {
    const last = runs.at(-1);
    if (last?.[0]?.kind === change.kind) last.push(change);
    else runs.push([change]);
  }
  return runs;
}

async function applyRun(writing: Writing, changes: readonly TargetChange[]): Promise<TargetOutcome[]> {
  if (changes[0]?.kind === 'membership') {
    const groups = [...Map.groupBy(changes, ({ externalId }) => externalId).values()];
    const outcomes = await inParallel(groups, groups.length, (group) => applyMemberships(writing, group));
    return outcomes.flat();
  }
  const outcomes = await applyObjects(writing, changes);
  return untangle(writing, changes, outcomes);
}

async function applyObjects(writing: Writing, changes: readonly TargetChange[]): Promise<TargetOutcome[]> {
  const together = bulkChanges(writing, changes);
  const { outcomes, left } = await writeByBulk(writing, together);
  const mending = { ...writing, recovering: true };
  const settled = new Set(together.filter((change) => !left.has(change)));
  await runInOrder(
    changes.filter((change) => !settled.has(change)),
    keysOf,
    async (change) => {
      const how = left.get(change) === 'doubtful' ? mending : writing;
      outcomes.push(await writing.gate.run(() => applyOne(how, change)));
    },
  );
  return outcomes;
}

async function applyOne(writing: Writing, change: TargetChange): Promise<TargetOutcome> {
  try {
    return await applyChange(writing, change);
  } catch (error) {
    if (isOfOneObject(error)) return failed(change, error);
    throw error;
  }
}

/**
 * A name may be taken by one who gives it up later in the same batch. What failed so is tried again as long as that
 * helps; of those who wait for each other in a circle one steps aside under a temporary name.
 */
async function untangle(
  writing: Writing,
  changes: readonly TargetChange[],
  outcomes: readonly TargetOutcome[],
): Promise<TargetOutcome[]> {
  const settled = new Map(outcomes.map((outcome) => [outcome.ordinal, outcome]));
  const isTaken = ({ ordinal }: TargetChange): boolean => {
    const outcome = settled.get(ordinal);
    return outcome !== undefined && !outcome.ok && outcome.code === 'Conflict';
  };
  const givenUp = new Set(changes.map(oldName));
  let waiting = changes.filter((change) => {
    const name = newName(change);
    return name !== undefined && givenUp.has(name) && isTaken(change);
  });
  let mayStepAside = true;
  while (waiting.length > 0) {
    const count = waiting.length;
    // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
    for (const outcome of await applyObjects(writing, waiting)) settled.set(outcome.ordinal, outcome);
    waiting = waiting.filter(isTaken);
    if (waiting.length < count) continue;
    const circular = mayStepAside ? findInCircle(waiting) : undefined;
    if (circular === undefined) break;
    // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
    mayStepAside = await stepAside(writing, circular);
  }
  return [...settled.values()];
}

function newName(change: TargetChange): string | undefined {
  const name = valueOf(change, nameAttributes[kindOf(change)]);
  return name === undefined ? undefined : foldName(name);
}

function oldName(change: TargetChange): string | undefined {
  const name = valueOf({ set: change.before }, nameAttributes[kindOf(change)]);
  return name === undefined ? undefined : foldName(name);
}

/** One whose wanted name is held by another who waits, and so on back to itself. */
function findInCircle(waiting: readonly TargetChange[]): TargetChange | undefined {
  const byOldName = new Map(waiting.map((change) => [oldName(change), change]));
  return waiting.find((first) => {
    const seen = new Set<TargetChange>();
    let next: TargetChange | undefined = first;
    while (next !== undefined && !seen.has(next)) {
      seen.add(next);
      next = byOldName.get(newName(next));
    }
    return next === first;
  });
}

/** Returns whether it could. */
async function stepAside(writing: Writing, change: TargetChange): Promise<boolean> {
  const attribute = nameAttributes[kindOf(change)];
  const name = temporaryName(valueOf(change, attribute) ?? '');
  const { enabled: _, ...rest } = change;
  try {
    await updateResource(writing, { ...rest, set: { [attribute]: [name] } });
    return true;
  } catch (error) {
    if (error instanceof LockstepError && isOfOneObject(error)) return false;
    throw error;
  }
}
