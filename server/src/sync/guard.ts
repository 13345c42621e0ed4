import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import type { GuardLimit, ResolvedGuard } from './guard-limits.ts';

/** What runs of changes take away counts together for so many milliseconds. */
export const guardWindow = 24 * 60 * 60_000;

/** What the plan takes away from the objects of one kind. */
export interface PlannedLoss {
  /** Changes that delete, disable or remove a member. */
  readonly removed: number;
  /** Objects that would have no value left of an attribute that has one now. */
  readonly blanked: number;
  /** Those attributes, the one of most objects first. */
  readonly attributes: readonly { readonly attribute: string; readonly objects: number }[];
  /** Objects that the plan links: what it blanks may be one of them. */
  readonly bound: number;
}

export const noLoss: PlannedLoss = { removed: 0, blanked: 0, attributes: [], bound: 0 };

export interface GuardCount extends PlannedLoss {
  /** Objects of this kind that the sync has linked in scope. */
  readonly linked: number;
}

export interface GuardFinding {
  readonly kind: Kind;
  /** Whether objects would go (or be disabled), or values of attributes. */
  readonly loss: 'removed' | 'blanked';
  /** How many objects lose. */
  readonly destructive: number;
  /** Of how many. */
  readonly linked: number;
  readonly sentence: string;
}

export interface GuardVerdict {
  readonly tripped: boolean;
  readonly hold: 'destructive' | 'all';
  readonly findings: readonly GuardFinding[];
}

/** Which limits so many losses of so many objects exceed, for a sentence; empty: none. */
function exceeded(losses: number, objects: number, limit: GuardLimit): string {
  const percent = objects === 0 ? (losses > 0 ? 100 : 0) : (losses / objects) * 100;
  const overCount = limit.count !== null && losses > limit.count;
  const overPercent = limit.percent !== null && losses > limit.floor && percent > limit.percent;
  return [
    overCount ? `more than ${limit.count}` : null,
    overPercent ? `${percent.toFixed(1)} % is more than ${limit.percent} %` : null,
  ]
    .filter((text) => text !== null)
    .join('; ');
}

/** A sentence names so many attributes; the changes themselves name all. */
const namedAttributes = 5;

function listAttributes(attributes: PlannedLoss['attributes']): string {
  const named = attributes
    .slice(0, namedAttributes)
    .map(({ attribute, objects }) => `${attribute} of ${objects}`);
  const more = attributes.length - named.length;
  return [...named, ...(more > 0 ? [`${more} more`] : [])].join(', ');
}

function weighKind(kind: Kind, count: GuardCount, guard: ResolvedGuard): GuardFinding[] {
  const findings: GuardFinding[] = [];
  const { removed, blanked, linked } = count;
  const tooManyRemoved = exceeded(removed, linked, guard[kind]);
  if (tooManyRemoved !== '') {
    const sentence = `${removed} of ${linked} linked objects of kind ${kind} would be deleted, disabled or removed (${tooManyRemoved})`;
    findings.push({ kind, loss: 'removed', destructive: removed, linked, sentence });
  }
  const known = linked + count.bound;
  const tooManyBlanked = exceeded(blanked, known, guard.blanked);
  if (tooManyBlanked !== '') {
    const sentence = `${blanked} of ${known} linked objects of kind ${kind} would lose all values of an attribute: ${listAttributes(count.attributes)} (${tooManyBlanked})`;
    findings.push({ kind, loss: 'blanked', destructive: blanked, linked: known, sentence });
  }
  return findings;
}

/** Weighs a plan. Strictly more than a limit trips; up to the floor the percentage is not looked at. Pure. */
export function evaluateGuard(
  counts: Readonly<Record<Kind, GuardCount>>,
  guard: ResolvedGuard,
): GuardVerdict {
  const findings = kinds.flatMap((kind) => weighKind(kind, counts[kind], guard));
  return { tripped: findings.length > 0, hold: guard.hold, findings };
}
