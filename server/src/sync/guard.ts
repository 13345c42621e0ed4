import type { Kind } from '@lockstep/contract/vocabulary.ts';
import { kinds } from '@lockstep/contract/vocabulary.ts';
import type { ResolvedGuard } from './guard-limits.ts';

export interface GuardCount {
  /** Changes that take something away: delete, disable, remove member. */
  readonly destructive: number;
  /** Objects of this kind that the sync has linked in scope. */
  readonly linked: number;
}

export interface GuardFinding {
  readonly kind: Kind;
  readonly destructive: number;
  readonly linked: number;
  readonly sentence: string;
}

export interface GuardVerdict {
  readonly tripped: boolean;
  readonly hold: 'destructive' | 'all';
  readonly findings: readonly GuardFinding[];
}

/** Weighs a plan. Strictly more than a limit trips; up to the floor the percentage is not looked at. Pure. */
export function evaluateGuard(counts: Record<Kind, GuardCount>, guard: ResolvedGuard): GuardVerdict {
  const findings: GuardFinding[] = [];
  for (const kind of kinds) {
    const { destructive, linked } = counts[kind];
    const limit = guard[kind];
    const percent = linked === 0 ? (destructive > 0 ? 100 : 0) : (destructive / linked) * 100;
    const overCount = limit.count !== null && destructive > limit.count;
    const overPercent = limit.percent !== null && destructive > limit.floor && percent > limit.percent;
    if (!overCount && !overPercent) continue;
    const limits = [
      overCount ? `more than ${limit.count}` : null,
      overPercent ? `${percent.toFixed(1)} % is more than ${limit.percent} %` : null,
    ].filter((text) => text !== null);
    const sentence = `${destructive} of ${linked} linked objects of kind ${kind} would be deleted, disabled or removed (${limits.join('; ')})`;
    findings.push({ kind, destructive, linked, sentence });
  }
  return { tripped: findings.length > 0, hold: guard.hold, findings };
}
