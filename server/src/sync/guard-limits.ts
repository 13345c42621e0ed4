import type { GuardConfiguration } from '@lockstep/contract/configuration.ts';
import type { Kind } from '@lockstep/contract/vocabulary.ts';

/** What the guard has a limit for. */
export type GuardEntry = Kind | 'blanked';

/** What one kind of a plan may take away. Strictly more than a limit trips. */
export interface GuardLimit {
  /** Most losses; null: no absolute limit. */
  readonly count: number | null;
  /** Most losses in percent of the objects linked in scope; null: no limit in percent. */
  readonly percent: number | null;
  /** Up to this many losses the percentage is not looked at; `count` holds all the same. */
  readonly floor: number;
}

export interface ResolvedGuard extends Readonly<Record<Kind, GuardLimit>> {
  /** Objects of one kind that would lose all values of an attribute; each kind is weighed by itself. */
  readonly blanked: GuardLimit;
  readonly hold: 'destructive' | 'all';
}

const objectDefault: GuardLimit = { count: 500, percent: 10, floor: 5 };

/** Limits that the configuration does not name. */
export const defaultLimits: Readonly<Record<GuardEntry, GuardLimit>> = {
  organizationalUnit: objectDefault,
  user: objectDefault,
  group: objectDefault,
  membership: { count: 5000, percent: 20, floor: 20 },
  blanked: { count: 5000, percent: 20, floor: 5 },
};

/** The floor of an entry that is named with a percentage and without a floor: one person of three is no catastrophe. */
export const defaultFloor = 5;

function resolveLimit(entry: GuardEntry, named: GuardConfiguration[GuardEntry]): GuardLimit {
  if (named === undefined) return defaultLimits[entry];
  return { count: named.count ?? null, percent: named.percent ?? null, floor: named.floor ?? defaultFloor };
}

/** The limits of a sync: what the configuration names has exactly the limits named, the rest the defaults. */
export function resolveGuard(guard: GuardConfiguration | undefined): ResolvedGuard {
  return {
    organizationalUnit: resolveLimit('organizationalUnit', guard?.organizationalUnit),
    user: resolveLimit('user', guard?.user),
    group: resolveLimit('group', guard?.group),
    membership: resolveLimit('membership', guard?.membership),
    blanked: resolveLimit('blanked', guard?.blanked),
    hold: guard?.hold ?? 'destructive',
  };
}
