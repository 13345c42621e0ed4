import { LockstepError } from '../../kernel/errors.ts';
import type {
  ReadScope,
  TargetChange,
  TargetOutcome,
  TargetSession,
  UnitMove,
} from '../../sync/connector.ts';
import { applyChange } from './changes.ts';
import { placeCanaries, watchCanaries } from './canaries.ts';
import { readOne, type Connect } from './client.ts';
import type { LdapShape } from './config.ts';
import { resultCodeOf } from './errors.ts';
import { applyLarge, isLarge, largeInTurn } from './large.ts';
import { joinDn, normaliseReference } from './location.ts';
import { applyMemberships, failure } from './memberships.ts';
import { runInOrder, type Task } from './order.ts';
import type { LdapClient } from './protocol/client/client.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { repairReferences } from './references.ts';
import { Relocations } from '../../directory/dn/relocation.ts';
import { untangle } from './swaps.ts';
import { recallMoves, type KnownGroup, type Writing } from './writing.ts';

/**
 * Operations in flight on the one connection; a server works them off in its own order, but for those that must wait.
 * So many that it has work while answers are dealt with; OpenLDAP takes 100 from anybody (conn_max_pending).
 */
const pipelineDepth = 96;

/** Writes to a directory. One connection, opened by the first batch and again after it was lost. */
export class LdapTargetSession implements TargetSession {
  readonly #shape: LdapShape;
  readonly #scopes: readonly ReadScope[];
  readonly #connect: Connect;
  readonly #relocations: Relocations;
  readonly #knownGroups = new Map<string, KnownGroup>();
  readonly #keptByServer = new Map<string, boolean>();
  #client: LdapClient | undefined;
  #controls: ReadonlySet<string> = new Set();
  #extensions: ReadonlySet<string> = new Set();

  constructor(
    shape: LdapShape,
    scopes: readonly ReadScope[],
    connect: Connect,
    moved: readonly UnitMove[] = [],
  ) {
    this.#shape = shape;
    this.#scopes = scopes;
    this.#connect = connect;
    this.#relocations = new Relocations(moved);
  }

  async apply(
    changes: readonly TargetChange[],
    options: { readonly recovering: boolean; readonly signal: AbortSignal },
  ): Promise<readonly TargetOutcome[]> {
    if (changes.length === 0) return [];
    const client = await this.#open();
    const writing: Writing = {
      client,
      shape: this.#shape,
      scopes: this.#scopes,
      controls: this.#controls,
      extensions: this.#extensions,
      relocations: this.#relocations,
      knownGroups: this.#knownGroups,
      keptByServer: this.#keptByServer,
      recovering: options.recovering,
      signal: options.signal,
    };
    try {
      if (options.recovering) await recallMoves(writing, changes);
      const outcomes = new Map<number, TargetOutcome>();
      for (const run of runs(changes)) {
        for (const outcome of await applyRun(writing, run, this.#connect))
          outcomes.set(outcome.ordinal, outcome);
      }
      return changes.flatMap(({ ordinal }) => outcomes.get(ordinal) ?? []);
    } catch (error) {
      throw asBatchError(error, options.signal);
    }
  }

  /** Every batch is there as soon as it was applied. */
  finish(): Promise<void> {
    return Promise.resolve();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const client = this.#client;
    this.#client = undefined;
    await client?.[Symbol.asyncDispose]();
  }

  async #open(): Promise<LdapClient> {
    if (this.#client?.alive) return this.#client;
    const client = await this.#connect();
    const root = await readRoot(client).catch(async (error: unknown) => {
      await client[Symbol.asyncDispose]();
      throw error;
    });
    this.#controls = new Set(root?.peekAll('supportedControl') ?? []);
    this.#extensions = new Set(root?.peekAll('supportedExtension') ?? []);
    this.#client = client;
    return client;
  }
}

/** RFC 4512 section 5.1: what the server supports stands in its root entry, which it may hide. */
async function readRoot(client: LdapClient): Promise<RawSearchEntry | undefined> {
  try {
    return await readOne(client, { base: '', attributes: ['supportedControl', 'supportedExtension'] });
  } catch (error) {
    const hides = resultCodeOf(error) !== undefined && error instanceof LockstepError;
    if (hides && error.code !== 'ConnectionFailed') return undefined;
    throw error;
  }
}

/** Cuts a batch where memberships begin and end: a member must be where it shall be before a group names it. */
function runs(changes: readonly TargetChange[]): TargetChange[][] {
  const cut: TargetChange[][] = [];
  for (const change of changes) {
    const last = cut.at(-1);
    const isSameSort =
      last !== undefined && (last[0]?.kind === 'membership') === (change.kind === 'membership');
    if (isSameSort) last.push(change);
    else cut.push([change]);
  }
  return cut;
}

async function applyRun(
  writing: Writing,
  changes: readonly TargetChange[],
  connect: Connect,
): Promise<readonly TargetOutcome[]> {
  const outcomes: TargetOutcome[] = [];
  const isMemberships = changes[0]?.kind === 'membership';
  const since = writing.relocations.count;
  // A move changes names that groups hold, placeholders among them.
  if (changes.some(({ verb }) => verb === 'move')) writing.knownGroups.clear();
  const tasks = isMemberships
    ? byGroup(changes).map((group) => membershipTask(writing, group, outcomes))
    : changes.map((change) => changeTask(writing, change, connect, outcomes));
  const canaries = isMemberships ? [] : await placeCanaries(writing, changes);
  await runInOrder(tasks, pipelineDepth, writing.signal);
  refuseLost(writing, outcomes);
  if (isMemberships) return outcomes;
  const untangled = await untangle(writing, changes, outcomes, since);
  await watchCanaries(writing, canaries);
  const unfollowed = await repairReferences(writing, changes, { since, made: madeBy(changes, untangled) });
  return withUnfollowed(changes, untangled, unfollowed);
}

/** The normalised DNs of what the changes made. */
function madeBy(changes: readonly TargetChange[], outcomes: readonly TargetOutcome[]): ReadonlySet<string> {
  const creates = new Set(changes.filter(({ verb }) => verb === 'create').map(({ ordinal }) => ordinal));
  const made = outcomes.filter(({ ordinal }) => creates.has(ordinal));
  return new Set(made.flatMap((outcome) => (outcome.ok ? (outcome.reference ?? []) : [])));
}

/** References follow the moves of a run together: one of them tells which did not. */
function withUnfollowed(
  changes: readonly TargetChange[],
  outcomes: readonly TargetOutcome[],
  unfollowed: readonly string[],
): readonly TargetOutcome[] {
  if (unfollowed.length === 0) return outcomes;
  const renaming = new Set(
    changes.filter(({ verb }) => verb === 'move' || verb === 'update').map(({ ordinal }) => ordinal),
  );
  const teller = outcomes.find(({ ok, ordinal }) => ok && renaming.has(ordinal));
  return outcomes.map((outcome) => (outcome === teller && outcome.ok ? { ...outcome, unfollowed } : outcome));
}

/** A connection that the server broke has answered for none of what failed with it. @throws LockstepError ConnectionFailed */
function refuseLost({ client }: Writing, outcomes: readonly TargetOutcome[]): void {
  const failed = client.alive ? undefined : outcomes.find(({ ok }) => !ok);
  if (failed !== undefined && !failed.ok) throw new LockstepError('ConnectionFailed', failed.message);
}

function byGroup(changes: readonly TargetChange[]): TargetChange[][] {
  const groups = Map.groupBy(changes, ({ externalId, location }) => externalId ?? location ?? '');
  return [...groups.values()];
}

function membershipTask(writing: Writing, changes: readonly TargetChange[], outcomes: TargetOutcome[]): Task {
  const [first] = changes;
  const location = first?.location ?? null;
  return {
    touches: location === null ? [] : [key(location)],
    run: async () => void outcomes.push(...(await applyMemberships(writing, changes))),
  };
}

function changeTask(
  writing: Writing,
  change: TargetChange,
  connect: Connect,
  outcomes: TargetOutcome[],
): Task {
  const { location, name, parentLocation } = change;
  const target = name === null || parentLocation === null ? null : joinDn(name, parentLocation);
  const large = isLarge(change);
  return {
    touches: [...[location, target].filter((dn) => dn !== null).map(key), ...(large ? [largeInTurn] : [])],
    run: async () => {
      try {
        const done = large ? applyLarge(writing, change, connect) : applyChange(writing, change);
        outcomes.push(await done);
      } catch (error) {
        outcomes.push(failure(change, error));
      }
    },
  };
}

function key(dn: string): string {
  return normaliseReference(dn) ?? dn;
}

/** A cancelled batch keeps the reason that it was cancelled for. */
function asBatchError(error: unknown, signal: AbortSignal): unknown {
  if (!signal.aborted || error instanceof LockstepError) return error;
  return new LockstepError('Cancelled', 'the batch was cancelled while it was written', { cause: error });
}
