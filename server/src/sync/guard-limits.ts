import type { GuardConfiguration } from '@lockstep/contract/configuration.ts';
import type { Kind } from '@lockstep/contract/vocabulary.ts';

/** What one kind of a plan may take away. Strictly more than a limit trips. */
export interface GuardLimit {
  /** Most deletions; null: no absolute limit. */
  readonly count: number | null;
  /** Most deletions in percent of the objects linked in scope; null: no limit in percent. */
  readonly percent: number | null;
  /** Up to this many deletions the percentage is not looked at; `count` holds all the same. */
  readonly floor: number;
}

export type ResolvedGuard = Readonly<Record<Kind, GuardLimit>> & { readonly hold: 'destructive' | 'all' };

const objectDefault: GuardLimit = { count: 500, percent: 10, floor: 5 };

/** Limits of a kind that the configuration does not name. */
export const defaultLimits: Readonly<Record<Kind, GuardLimit>> = {
  organizationalUnit: objectDefault,
  user: objectDefault,
  group: objectDefault,
  membership: { count: 5000, percent: 20, floor: 20 },
};

/** The floor of a kind that is named with a percentage and without a floor: one person of three is no catastrophe. */
export const defaultFloor = 5;

function resolveLimit(kind: Kind, named: GuardConfiguration[Kind]): GuardLimit {
  if (named === undefined) return defaultLimits[kind];
  return { count: named.count ?? null, percent: named.percent ?? null, floor: named.floor ?? defaultFloor };
}

/** The limits of a sync: kinds that the configuration names have exactly the limits named, the others the defaults. */
export function resolveGuard(guard: GuardConfiguration | undefined): ResolvedGuard {
  return {
    organizationalUnit: resolveLimit('organizationalUnit', guard?.organizationalUnit),
    user: resolveLimit('user', guard?.user),
    group: resolveLimit('group', guard?.group),
    membership: resolveLimit('membership', guard?.membership),
    hold: guard?.hold ?? 'destructive',
  };
}
