import type { ResolvedFilter } from '../filter/resolved.ts';

/** A member as a client names it. */
export interface MemberReference {
  /** Id of the member in this service. */
  readonly value: string;
  readonly type?: string;
  readonly display?: string;
  readonly $ref?: string;
}

/**
 * What a PATCH makes of a group's members, told without looking at them: the new members are those there were (none if
 * `replaced`), without `removed` and without those that a filter of `removedWhere` matches, and with `added`.
 */
export interface MemberPatch {
  readonly replaced: boolean;
  readonly added: readonly MemberReference[];
  /** Ids, none of which is in `added`. */
  readonly removed: readonly string[];
  /** Filters over members that are no plain list of ids, as `members[type eq "Group"]`; nearly always empty. */
  readonly removedWhere: readonly ResolvedFilter[];
}
