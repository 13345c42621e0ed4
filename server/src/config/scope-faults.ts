import { refuseFilter } from '../connectors/file/source.ts';
import { parseFilter } from '../connectors/ldap/protocol/filter/filter.ts';
import { isWithin, parseDn } from '../directory/dn/dn.ts';
import { parsePath } from '../directory/path.ts';
import { compileCondition } from '../mapping/condition.ts';
import { nodeNotation } from './connection-faults.ts';
import type { Fault } from './fault.ts';
import { faultOf } from './fault.ts';
import type { FieldPath } from './field-path.ts';
import { valueAt } from './field-path.ts';
import { nestingFault, pathContains } from './scope-overlap.ts';
import { isSameNode, type Contains } from '../sync/external-nodes.ts';

type Side = 'source' | 'target';

/** The scopes of a sync, as written, and what they are scopes of. */
interface Scopes {
  readonly settings: unknown;
  readonly direction: 'ingress' | 'egress';
  readonly list: readonly unknown[];
}

/**
 * What is wrong with the scopes of a sync, as far as settings tell: nodes that are no DN or no path, filters, nodes that
 * lie outside the connection's baseDn, and scopes of which one contains another. Values of another type than expected
 * are the schema's matter. Paths begin at the sync.
 */
export function scopeFaults(settings: unknown, sync: unknown): Fault[] {
  const direction = valueAt(sync, ['direction']);
  const list = valueAt(sync, ['scopes']);
  if ((direction !== 'ingress' && direction !== 'egress') || !Array.isArray(list)) return [];
  const scopes: Scopes = { settings, direction, list };
  return [
    ...list.flatMap((_, index) => [
      ...externalNodeFaults(scopes, index),
      ...pathFaults(scopes, index),
      ...filterFaults(scopes, index),
    ]),
    ...overlapFaults(scopes),
  ];
}

function externalSide({ direction }: Scopes): Side {
  return direction === 'ingress' ? 'source' : 'target';
}

function insideSide({ direction }: Scopes): Side {
  return direction === 'ingress' ? 'target' : 'source';
}

function textAt({ list }: Scopes, index: number, field: Side | 'filter'): string | undefined {
  const text = valueAt(list[index], [field]);
  return typeof text === 'string' ? text : undefined;
}

function pathOf(index: number, field: Side | 'filter'): FieldPath {
  return ['scopes', index, field];
}

function externalNodeFaults(scopes: Scopes, index: number): Fault[] {
  const side = externalSide(scopes);
  const node = textAt(scopes, index, side);
  if (node === undefined || nodeNotation(scopes.settings) !== 'dn') return [];
  const path = pathOf(index, side);
  const faults = faultOf(path, () => parseDn(node));
  return faults.length > 0 ? faults : outsideFaults(scopes.settings, node, path);
}

function outsideFaults(settings: unknown, node: string, path: FieldPath): Fault[] {
  const base = valueAt(settings, ['baseDn']);
  const isUsable = typeof base === 'string' && faultOf(path, () => parseDn(base)).length === 0;
  if (!isUsable || isWithin(parseDn(node), parseDn(base))) return [];
  const message = `${JSON.stringify(node)} does not lie under the connection's baseDn, ${JSON.stringify(base)}`;
  const remedy = 'Correct the node, or give the connection a baseDn that lies above it.';
  return [{ path, code: 'InvalidConfiguration', message, remedy }];
}

function pathFaults(scopes: Scopes, index: number): Fault[] {
  const side = insideSide(scopes);
  const node = textAt(scopes, index, side);
  if (node === undefined) return [];
  return faultOf(pathOf(index, side), () => parsePath(node)).map((fault) => ({
    ...fault,
    code: 'InvalidConfiguration',
  }));
}

function filterFaults(scopes: Scopes, index: number): Fault[] {
  const filter = textAt(scopes, index, 'filter');
  if (filter === undefined) return [];
  const path = pathOf(index, 'filter');
  if (scopes.direction === 'egress') return faultOf(path, () => compileCondition(filter, 'filter'));
  const type = valueAt(scopes.settings, ['type']);
  if (type === 'ldap') {
    const remedy = 'Write it as RFC 4515 says, as in (&(mail=*)(!(employeeType=external))).';
    return faultOf(path, () => parseFilter(filter)).map((fault) => ({ ...fault, remedy }));
  }
  return type === 'file' ? faultOf(path, () => refuseFilter(filter)) : [];
}

/**
 * No object may have two places, neither in the connected system nor in the directory. Several sources may come together
 * in one place.
 */
function overlapFaults(scopes: Scopes): Fault[] {
  const notation = nodeNotation(scopes.settings);
  const contains: Contains = notation === 'dn' ? dnContains : idContains;
  if (scopes.direction === 'ingress')
    return notation === undefined ? [] : overlapsOf(scopes, 'source', contains, () => '');
  const isTree = notation !== undefined;
  const lies: Contains = (outer, inner) => contains(outer, inner) && !isSameNode(contains, outer, inner);
  const pairs = scopes.list.map((_, index) => ({
    target: textAt(scopes, index, 'target') ?? '',
    filter: textAt(scopes, index, 'filter'),
  }));
  return [
    ...(isTree ? overlapsOf(scopes, 'target', lies, () => '') : []),
    ...overlapsOf(scopes, 'source', isInside, (outer, inner) =>
      nestingFault(pairs[outer] as (typeof pairs)[0], pairs[inner] as (typeof pairs)[0], contains),
    ),
  ];
}

/** @param reason why one scope cannot lie in another one: with no words, because it lies there; undefined: it can. */
function overlapsOf(
  scopes: Scopes,
  side: Side,
  contains: Contains,
  reason: (outer: number, inner: number) => string | undefined,
): Fault[] {
  return scopes.list.flatMap((_, index) => {
    const inner = textAt(scopes, index, side);
    const outer = scopes.list
      .map((_unused, other) => ({ other, node: textAt(scopes, other, side), why: reason(other, index) }))
      .find(({ other, node, why }) => why !== undefined && isContained(other, node, index, inner, contains));
    if (outer === undefined) return [];
    const why = outer.why === '' ? '' : `, and ${outer.why}`;
    const message = `${side} ${JSON.stringify(outer.node)} contains ${JSON.stringify(inner)}${why}`;
    const remedy = 'Scopes must not overlap: keep the outer or the inner one.';
    return [{ path: pathOf(index, side), code: 'InvalidConfiguration' as const, message, remedy }];
  });
}

/** Whether scope `other` contains scope `index`; of two that are the same, the earlier one contains the later. */
function isContained(
  other: number,
  outer: string | undefined,
  index: number,
  inner: string | undefined,
  contains: (outer: string, inner: string) => boolean,
): boolean {
  if (other === index || outer === undefined || inner === undefined || !contains(outer, inner)) return false;
  return other < index || !contains(inner, outer);
}

/** What cannot be parsed is reported by itself and overlaps nothing. */
function dnContains(outer: string, inner: string): boolean {
  if (faultOf([], () => [parseDn(outer), parseDn(inner)]).length > 0) return false;
  return isWithin(parseDn(inner), parseDn(outer));
}

/** Only the file itself tells which unit lies under which; the empty node contains all. */
function idContains(outer: string, inner: string): boolean {
  return outer === '' || outer === inner;
}

function isInside(outer: string, inner: string): boolean {
  if (faultOf([], () => [parsePath(outer), parsePath(inner)]).length > 0) return false;
  return pathContains(outer, inner);
}
