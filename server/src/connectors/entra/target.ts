import { LockstepError } from '../../kernel/errors.ts';
import type { PlannedWork, TargetChange, TargetOutcome, TargetSession } from '../../sync/connector.ts';
import type { ReplicaChange } from '../../sync/replica.ts';
import { BatchSender } from './batch.ts';
import { writeCreations } from './creations.ts';
import { addMembers, membersAtOnce, removeMembers } from './memberships.ts';
import { MadeEarlier } from './made-earlier.ts';
import { Nicknames } from './nicknames.ts';
import { writeDeletions, writeUpdates } from './object-writes.ts';
import type { OpenTenant } from './open-tenant.ts';
import { writeCost } from './pace.ts';
import { pull } from './pull.ts';
import type { Selection } from './select.ts';
import type { Writing } from './writing.ts';
import type { Wait } from '../../http-client/wait.ts';

/** The copy has what it has: nothing more is asked for. */
const nothingMore: Selection = { user: [], group: [] };
const settlingSeconds = 60;

type Write = (writing: Writing, changes: readonly TargetChange[]) => Promise<TargetOutcome[]>;

function writerOf({ kind, verb }: TargetChange): Write {
  if (kind === 'membership') return verb === 'removeMember' ? removeMembers : addMembers;
  if (verb === 'create') return writeCreations;
  return verb === 'delete' ? writeDeletions : writeUpdates;
}

/** What a change is about: two changes of one thing follow each other. */
function keyOf({ kind, externalId, member, ordinal }: TargetChange): string {
  if (kind === 'membership') return `${externalId} ${member?.externalId ?? ordinal}`;
  return externalId ?? `new ${ordinal}`;
}

interface Wave {
  readonly write: Write;
  readonly changes: TargetChange[];
}

/** Cuts changes where their order matters: at another kind of write, and at a second change of the same thing. */
function wavesOf(changes: readonly TargetChange[]): Wave[] {
  const waves: Wave[] = [];
  let keys = new Set<string>();
  for (const change of changes) {
    const write = writerOf(change);
    const last = waves.at(-1);
    if (last?.write === write && !keys.has(keyOf(change))) last.changes.push(change);
    else {
      waves.push({ write, changes: [change] });
      keys = new Set();
    }
    keys.add(keyOf(change));
  }
  return waves;
}

/** Writes to a tenant by `$batch`, and tells the copy what was written, so that the next read has it at once. */
export class EntraTargetSession implements TargetSession {
  readonly #tenant: OpenTenant;
  readonly #sender: BatchSender;
  readonly #nicknames: Nicknames;
  readonly #madeEarlier: MadeEarlier;
  readonly #made = new Set<string>();
  #wrote = false;

  /** @param job the id of the job whose plan is written */
  constructor(tenant: OpenTenant, job: string, wait?: Wait) {
    this.#tenant = tenant;
    this.#sender = new BatchSender(tenant.graph, wait);
    this.#nicknames = new Nicknames(tenant.replica);
    this.#madeEarlier = new MadeEarlier(tenant.replica, job);
  }

  async apply(
    changes: readonly TargetChange[],
    { recovering, signal }: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]> {
    const notes: ReplicaChange[] = [];
    const writing: Writing = {
      settings: this.#tenant.settings,
      graph: this.#tenant.graph,
      sender: this.#sender,
      nicknames: this.#nicknames,
      madeEarlier: this.#madeEarlier,
      made: this.#made,
      recovering,
      signal,
      note: (...told) => void notes.push(...told),
    };
    const outcomes = new Map<number, TargetOutcome>();
    try {
      for (const { write, changes: wave } of wavesOf(changes)) {
        // oxlint-disable-next-line no-await-in-loop -- their order matters
        for (const outcome of await write(writing, wave)) outcomes.set(outcome.ordinal, outcome);
      }
      await retryTakenNames(writing, changes, outcomes);
    } finally {
      // Also of a batch that broke off: it is tried again, and what it did is done.
      if (notes.length > 0) await this.#tenant.replica.write(notes);
      this.#wrote ||= notes.length > 0;
    }
    return changes.map(({ ordinal }) => {
      const outcome = outcomes.get(ordinal);
      if (outcome === undefined) throw new LockstepError('Internal', 'a change has no outcome');
      return outcome;
    });
  }

  /** By the quotas of the tenant; members go many in a request, if they are of one group. */
  leastSeconds({ objects, memberships }: PlannedWork): number {
    const writes = objects + Math.ceil(memberships / membersAtOnce);
    return this.#tenant.graph.pace.secondsFor(writeCost(writes));
  }

  /**
   * Reads what changed meanwhile, own writes among it: a change that somebody takes back before the next read would
   * else never be told. The next read does the same, so that it does not matter when this one fails.
   */
  async finish(): Promise<void> {
    if (!this.#wrote) return;
    const signal = AbortSignal.timeout(settlingSeconds * 1000);
    await pull({ ...this.#tenant, select: nothingMore, signal }).catch(() => undefined);
    this.#wrote = false;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve();
  }
}

/** A name may have been taken by an object that another change of the same batch renamed or deleted. */
async function retryTakenNames(
  writing: Writing,
  changes: readonly TargetChange[],
  outcomes: Map<number, TargetOutcome>,
): Promise<void> {
  for (let left = Infinity; ;) {
    const taken = changes.filter(({ ordinal, kind, verb }) => {
      const outcome = outcomes.get(ordinal);
      return (
        outcome?.ok === false && outcome.code === 'NameTaken' && kind !== 'membership' && verb !== 'create'
      );
    });
    if (taken.length === 0 || taken.length >= left || taken.length === changes.length) return;
    left = taken.length;
    // oxlint-disable-next-line no-await-in-loop -- each round frees names for the next
    for (const outcome of await writeUpdates(writing, taken)) outcomes.set(outcome.ordinal, outcome);
  }
}
