import {
  foldCase,
  isAssigned,
  isJsonList,
  isJsonObject,
  type Json,
  type JsonObject,
  readAttribute,
} from '../resource.ts';
import type { ScimAttribute } from '../schema/attribute.ts';
import { findInstant } from '../schema/date-time.ts';
import type { CompareOperator } from './ast.ts';
import type { ResolvedFilter, ResolvedPath } from './resolved.ts';

/** Whether a resource, or one value of an attribute, matches; takes time linear in filter and resource. */
export function matchesFilter(filter: ResolvedFilter, resource: JsonObject): boolean {
  if (filter.kind === 'constant') return filter.matches;
  if ('operands' in filter) {
    const matches = (operand: ResolvedFilter) => matchesFilter(operand, resource);
    return filter.kind === 'and' ? filter.operands.every(matches) : filter.operands.some(matches);
  }
  if (filter.kind === 'not') return !matchesFilter(filter.operand, resource);
  if (filter.kind === 'compare') return matchesComparison(filter, resource);
  const values = valuesOf(filter.path, resource);
  if (filter.kind === 'present') return values.some(isPresent);
  return values.some((value) => matchesFilter(filter.filter, elementOf(value)));
}

/** A value of a multi-valued attribute as an object; a simple one is its own `value`. */
export function elementOf(value: Json): JsonObject {
  return isJsonObject(value) ? value : { value };
}

/** The values that a path leads to, without null. */
export function valuesOf({ extension, attribute, subAttribute }: ResolvedPath, resource: JsonObject): Json[] {
  const container = extension === undefined ? resource : readAttribute(resource, extension);
  if (!isJsonObject(container)) return [];
  const values = listOf(readAttribute(container, attribute.name));
  if (subAttribute === undefined) return values;
  return values.flatMap((value) => listOf(readAttribute(elementOf(value), subAttribute.name)));
}

function listOf(value: Json | undefined): Json[] {
  if (value === undefined) return [];
  return isJsonList(value) ? value.filter((each) => each !== null) : [value];
}

// "Has a non-empty value" (RFC 7644 section 3.4.2.2).
function isPresent(value: Json): boolean {
  return value !== '' && isAssigned(value);
}

function matchesComparison(
  { path, operator, value }: Extract<ResolvedFilter, { kind: 'compare' }>,
  resource: JsonObject,
): boolean {
  const values = valuesOf(path, resource);
  if (values.length === 0) return operator === 'ne';
  const compared = path.subAttribute ?? path.attribute;
  const right = comparable(compared, value);
  return values.some((each) => {
    const left = comparable(compared, each);
    return left === undefined || right === undefined ? operator === 'ne' : holds[operator](left, right);
  });
}

type Comparable = string | number | boolean;

/** Dates as instants, text in one case unless the attribute is caseExact; undefined for what has no order. */
function comparable(attribute: ScimAttribute, value: Json): Comparable | undefined {
  if (value === null || typeof value === 'object') return undefined;
  if (attribute.type === 'dateTime') return findInstant(String(value));
  if (attribute.type === 'string' || attribute.type === 'reference') {
    return attribute.caseExact ? String(value) : foldCase(String(value));
  }
  return value;
}

const holds: Record<CompareOperator, (left: Comparable, right: Comparable) => boolean> = {
  eq: (left, right) => left === right,
  ne: (left, right) => left !== right,
  co: (left, right) => String(left).includes(String(right)),
  sw: (left, right) => String(left).startsWith(String(right)),
  ew: (left, right) => String(left).endsWith(String(right)),
  gt: (left, right) => left > right,
  ge: (left, right) => left >= right,
  lt: (left, right) => left < right,
  le: (left, right) => left <= right,
};
