import { parsePath } from '../directory/path.ts';
import { isSameNode, type Contains } from '../sync/external-nodes.ts';
import { matchKey } from '../sync/match-key.ts';

/** Scopes of an egress, of which one may lie in another by its source. */
interface ScopePair {
  readonly source: string;
  readonly target: string;
  readonly filter?: string | undefined;
}

/** Whether a directory path contains another: `/` contains all. @throws LockstepError for what is no path. */
export function pathContains(outer: string, inner: string): boolean {
  const names = parsePath(inner);
  return parsePath(outer).every((name, index) => matchKey(name) === matchKey(names[index] ?? ''));
}

/**
 * Why two scopes of an egress cannot both be, of which one's source contains the other's: what lies in both would have
 * two places, or one filter that takes it and one that does not. Undefined where the inner one is just a part of the
 * outer one.
 */
export function nestingFault(
  outer: Omit<ScopePair, 'source'>,
  inner: Omit<ScopePair, 'source'>,
  contains: Contains,
): string | undefined {
  if (!isSameNode(contains, outer.target, inner.target)) return 'they have different targets';
  return outer.filter === inner.filter ? undefined : 'they have different filters';
}

/** Scopes of an egress without those that are part of another one; of two that are the same the first one stays. */
export function withoutNested<Scope extends ScopePair>(scopes: readonly Scope[]): readonly Scope[] {
  const kept = scopes.filter(({ source }, index) =>
    scopes.every(
      (outer, other) =>
        other === index ||
        !pathContains(outer.source, source) ||
        (other > index && pathContains(source, outer.source)),
    ),
  );
  return kept.length === scopes.length ? scopes : kept;
}
