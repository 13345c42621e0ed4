import { hash } from 'node:crypto';
import { isAtOrBelow, parseDn, renderRdn } from '../../directory/dn/dn.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { applyChange } from './changes.ts';
import { isLookupId } from './externalId.ts';
import { joinDn, normaliseReference, splitDn } from './location.ts';
import { failure } from './memberships.ts';
import { afterRename } from './modifications.ts';
import { locationAt, type Writing } from './writing.ts';

/** A move that did not find its place free, and where its entry is. */
interface Blocked {
  readonly change: TargetChange;
  readonly at: string;
}

/**
 * Carries out moves that block each other: each wants the name that the next one has. All of them step aside to a name
 * of their own and go to their places from there; one that still cannot goes back. Only where entries are told by an
 * id, so that a repetition after a crash finds each wherever it then is.
 * `before` is the mark of `Relocations` from before the moves.
 * @returns outcomes of the changes that were tried once more
 */
export async function untangle(
  writing: Writing,
  changes: readonly TargetChange[],
  outcomes: readonly TargetOutcome[],
  before: number,
): Promise<readonly TargetOutcome[]> {
  if (outcomes.every(({ ok }) => ok)) return outcomes;
  const byOrdinal = new Map(outcomes.map((outcome) => [outcome.ordinal, outcome]));
  const aside: Blocked[] = [];
  const since = writing.relocations.count;
  for (const blocked of findKnot(writing, changes, byOrdinal, before)) {
    if ((await stepAside(writing, blocked)) !== undefined) aside.push(blocked);
  }
  for (const blocked of aside) {
    const outcome = await goOn(writing, blocked, since);
    byOrdinal.set(outcome.ordinal, outcome);
  }
  return [...byOrdinal.values()];
}

/** A server may have another word for a place that is taken where it is the entry's own parent's, or beneath itself. */
function isBlocked(writing: Writing, { change, at }: Blocked, outcome: TargetOutcome | undefined): boolean {
  if (outcome === undefined || outcome.ok) return false;
  return outcome.code === 'NameTaken' || isAmongItsOwn(writing, { change, at });
}

/** Whether it goes to the place of one above it, or below itself. */
function isAmongItsOwn(writing: Writing, { change, at }: Blocked): boolean {
  const [from, to] = [normaliseReference(at), targetOf(writing, change)];
  if (from === null || to === null || from === to) return false;
  return isAtOrBelow(from, to) || isAtOrBelow(to, from);
}

/** The blocked moves of which each waits for another one, or for a place that was left meanwhile. */
function findKnot(
  writing: Writing,
  changes: readonly TargetChange[],
  outcomes: ReadonlyMap<number, TargetOutcome>,
  before: number,
): Blocked[] {
  const moves = changes.filter(({ verb, location }) => verb === 'move' && location !== null);
  const left = moves
    .filter(({ ordinal }) => outcomes.get(ordinal)?.ok === true)
    .map(({ location }) => locationAt(writing, location ?? '', before));
  let knot = moves
    .map((change): Blocked => ({ change, at: whereNow(writing, change.location ?? '') }))
    .filter((blocked) => isBlocked(writing, blocked, outcomes.get(blocked.change.ordinal)))
    .filter(({ change }) => isLookupId(change.externalId ?? '='));
  for (;;) {
    const taken = knot.flatMap(({ change, at }) => [change.location, at]);
    const places = new Set([...left, ...taken].map((dn) => normaliseReference(dn ?? '')));
    const waiting = knot.filter((blocked) => {
      const { change } = blocked;
      if (places.has(plannedTarget(change)) || places.has(targetOf(writing, change))) return true;
      return isAmongItsOwn(writing, blocked) && places.has(parentOf(writing, change));
    });
    if (waiting.length === knot.length) return knot;
    knot = waiting;
  }
}

function whereNow({ relocations }: Writing, dn: string): string {
  return relocations.follow(dn) ?? dn;
}

/** The place as the change names it: what moved in an earlier batch may have its new name there already. */
function plannedTarget({ name, parentLocation }: TargetChange): string | null {
  return normaliseReference(joinDn(name ?? '', parentLocation ?? ''));
}

function targetOf(writing: Writing, { name, parentLocation }: TargetChange): string | null {
  return normaliseReference(joinDn(name ?? '', whereNow(writing, parentLocation ?? '')));
}

function parentOf(writing: Writing, { parentLocation }: TargetChange): string | null {
  return normaliseReference(whereNow(writing, parentLocation ?? ''));
}

/** A name that no entry has, the same each time that it is made. */
function nameAside({ change, at }: Blocked): string {
  const type = parseDn(splitDn(at)[0]).rdns[0]?.pairs[0]?.type ?? 'cn';
  return renderRdn({
    pairs: [{ type, value: `lockstep-${hash('sha256', change.externalId ?? at).slice(0, 24)}` }],
  });
}

function locationAside(blocked: Blocked): string {
  return joinDn(nameAside(blocked), splitDn(blocked.at)[1]);
}

/** Undefined when it cannot. */
async function stepAside(writing: Writing, blocked: Blocked): Promise<TargetOutcome | undefined> {
  return rename(writing, blocked, blocked.at, nameAside(blocked));
}

async function goOn(writing: Writing, blocked: Blocked, since: number): Promise<TargetOutcome> {
  const { change, at } = blocked;
  // What was above it may have stepped aside as well.
  const location = writing.relocations.follow(locationAside(blocked), since) ?? locationAside(blocked);
  const before = afterRename(change.before, splitDn(at)[0], nameAside(blocked));
  try {
    return await applyChange(writing, { ...change, location, before });
  } catch (error) {
    const outcome = failure(change, error);
    await rename(writing, blocked, location, splitDn(at)[0]);
    return outcome;
  }
}

/** Gives an entry another name in its place and changes nothing else of it. */
async function rename(
  writing: Writing,
  { change, at }: Blocked,
  location: string,
  name: string,
): Promise<TargetOutcome | undefined> {
  const { enabled: _, ...rest } = change;
  const parentLocation = splitDn(at)[1];
  try {
    return await applyChange(writing, { ...rest, location, name, parentLocation, set: {}, before: {} });
  } catch (error) {
    if (error instanceof LockstepError && !failure(change, error).ok) return undefined;
    throw error;
  }
}
