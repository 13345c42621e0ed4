import { GraphError, malformed, unsupportedQuery } from '../graph-error.ts';
import { resourceNames, type ObjectType } from '../state/directory-object.ts';
import type { Filter } from './filter.ts';
import { findRule } from './properties.ts';

/** How the request asks for advanced queries. */
export interface AdvancedQuery {
  readonly eventual: boolean;
  readonly count: boolean;
}

/**
 * Refuses what the service does not filter by, or only as an advanced query (ConsistencyLevel eventual and $count=true).
 * @throws GraphError 400
 */
export function checkSupport(type: ObjectType, filter: Filter, query: AdvancedQuery): void {
  const advanced = query.eventual && query.count;
  const needAdvanced = (what: string): void => {
    if (!advanced) throw advancedOnly(what, query);
  };
  const walk = (node: Filter, variable: string | undefined): void => {
    if (node.kind === 'and' || node.kind === 'or') {
      walk(node.left, variable);
      return walk(node.right, variable);
    }
    if (node.kind === 'not') {
      needAdvanced("Operator 'Not'");
      return walk(node.inner, variable);
    }
    if (variable === undefined) checkProperty(type, node.path, needAdvanced);
    if (node.kind === 'any') {
      if (node.inner) walk(node.inner, node.variable);
      return;
    }
    checkOperator(node, needAdvanced);
  };
  walk(filter, undefined);
}

function checkProperty(type: ObjectType, path: string, needAdvanced: (what: string) => void): void {
  if (path.endsWith('/$count')) return needAdvanced("Property '$count'");
  const rule = findRule(type, path);
  if (!rule)
    throw malformed(
      `Invalid filter clause: Could not find a property named '${path}' on type 'microsoft.graph.${type}'.`,
    );
  if (rule.filter === 'advanced') return needAdvanced(`Filter on property '${path}'`);
  if (rule.filter === undefined)
    throw unsupportedQuery(
      `Unsupported or invalid query filter clause specified for property '${path}' of resource '${resourceNames[type]}'.`,
    );
}

function checkOperator(
  node: Extract<Filter, { kind: 'compare' | 'text' | 'in' }>,
  needAdvanced: (what: string) => void,
): void {
  if (node.kind === 'text' && node.name === 'contains')
    throw unsupportedQuery("Operator 'contains' is not supported.");
  if (node.kind === 'text' && node.name === 'endswith') needAdvanced("Operator 'endsWith'");
  if (node.kind !== 'compare') return;
  if (node.operator === 'ne') needAdvanced("Operator 'NotEqualsMatch'");
  if (node.value === null) needAdvanced('Filter by null');
}

function advancedOnly(what: string, query: AdvancedQuery): GraphError {
  const missing = query.eventual ? "'$count=true' query parameter" : "'ConsistencyLevel:eventual' header";
  return unsupportedQuery(
    `${what} is not supported because the ${missing} is missing. Refer to https://aka.ms/graph-docs/advanced-queries for more information`,
  );
}
