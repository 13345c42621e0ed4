import { LockstepError } from '../../kernel/errors.ts';
import type { ReadScope } from '../../sync/connector.ts';
import type { Replica, ReplicaEntry } from '../../sync/replica.ts';
import { meets } from './filter/match.ts';
import { parseScopeFilter, type ScopeFilter } from './filter/scope-filter.ts';
import type { GraphClient, GraphPage } from './graph-client.ts';
import type { EntraKind } from './select.ts';

/** The node of everything. */
export const everything = '';

export type Node =
  { readonly of: 'tenant' } | { readonly of: 'group' | 'administrativeUnit'; readonly id: string };

const idPattern = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * A node as configured: nothing or `/` for the tenant, `group:ID` for the members of a group and of those in it, or
 * `administrativeUnit:ID`.
 * @throws LockstepError InvalidConfiguration
 */
export function parseNode(node: string): Node {
  const text = node.trim();
  if (text === '' || text === '/') return { of: 'tenant' };
  const [, of, id = ''] = /^(group|administrativeUnit):\s*(.*)$/.exec(text) ?? [];
  if (of !== undefined && idPattern.test(id))
    return { of: of as 'group' | 'administrativeUnit', id: id.toLowerCase() };
  throw new LockstepError('InvalidConfiguration', `${JSON.stringify(node)} is no node of Entra ID`, {
    field: 'scopes',
    remedy: 'Write group:ID or administrativeUnit:ID, or leave it empty for everything.',
  });
}

export function containsNode(outer: string, inner: string): boolean {
  const [left, right] = [parseNode(outer), parseNode(inner)];
  if (left.of === 'tenant') return true;
  return right.of === left.of && 'id' in right && right.id === left.id;
}

/** A scope that can tell what is in it. */
export interface ResolvedScope {
  readonly filter: ScopeFilter;
  /** Ids of what is in it; undefined: everything. */
  readonly ids: ReadonlySet<string> | undefined;
}

export function isInScope(
  { filter, ids }: ResolvedScope,
  { kind, externalId, attributes }: ReplicaEntry,
): boolean {
  if (ids !== undefined && !ids.has(externalId)) return false;
  const condition = filter[kind as EntraKind];
  return condition === undefined || meets(attributes, condition);
}

export async function resolveScopes(
  scopes: readonly ReadScope[],
  { replica, graph, signal }: { replica: Replica; graph: GraphClient; signal: AbortSignal },
): Promise<ResolvedScope[]> {
  const resolved: ResolvedScope[] = [];
  for (const scope of scopes) {
    const node = parseNode(scope.node);
    const filter = scope.filter === undefined ? {} : parseScopeFilter(scope.filter);
    if (node.of === 'tenant') resolved.push({ filter, ids: undefined });
    // oxlint-disable-next-line no-await-in-loop -- scopes are few
    else if (node.of === 'group') resolved.push({ filter, ids: await idsOfGroup(replica, node.id) });
    // oxlint-disable-next-line no-await-in-loop -- scopes are few
    else resolved.push({ filter, ids: await idsOfUnit(graph, node.id, signal) });
  }
  return resolved;
}

/** The group, its members, and those of the groups among them, out of the copy: one pass for each level of nesting. */
async function idsOfGroup(replica: Replica, id: string): Promise<Set<string>> {
  const ids = new Set([id]);
  const opened = new Set<string>();
  let found = false;
  for (let isNew = true; isNew;) {
    isNew = false;
    for await (const page of replica.read({ kinds: ['group'], members: true })) {
      for (const { externalId, members = [] } of page) {
        if (!ids.has(externalId) || opened.has(externalId)) continue;
        opened.add(externalId);
        found ||= externalId === id;
        isNew = true;
        for (const member of members) ids.add(member);
      }
    }
  }
  if (found) return ids;
  throw new LockstepError('NotFound', `there is no group ${id} in the tenant`, {
    field: 'scopes',
    remedy: 'Check the id of the group.',
  });
}

/** So many pages in a row without anybody new: it is not believed that they come to an end. */
const mostIdlePages = 100;

/** Direct members: an administrative unit has no other. @throws LockstepError IncompleteRead */
async function idsOfUnit(graph: GraphClient, id: string, signal: AbortSignal): Promise<Set<string>> {
  const ids = new Set<string>();
  let idle = 0;
  let path: string | undefined = `/directory/administrativeUnits/${id}/members?$select=id&$top=999`;
  while (path !== undefined) {
    const before = ids.size;
    // oxlint-disable-next-line no-await-in-loop -- each page names the next one
    const page: GraphPage = await graph.list(path, `reading the administrative unit ${id}`, signal);
    for (const { id: member } of page.objects) if (typeof member === 'string') ids.add(member);
    idle = ids.size > before ? 0 : idle + 1;
    if (idle > mostIdlePages)
      throw new LockstepError('IncompleteRead', `the members of ${id} do not come to an end`);
    path = page.next;
  }
  return ids;
}
