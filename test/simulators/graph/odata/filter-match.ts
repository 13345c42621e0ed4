import { isJsonObject } from '../json.ts';
import type { Comparison, Filter, FilterValue, TextFunction } from './filter.ts';

/** The value of a name, or of a path such as `assignedLicenses/$count`. */
type Lookup = (path: string) => unknown;

/** Whether the object whose values `lookup` gives passes the filter; text is compared without regard to case. */
export function matches(filter: Filter, lookup: Lookup): boolean {
  switch (filter.kind) {
    case 'and':
      return matches(filter.left, lookup) && matches(filter.right, lookup);
    case 'or':
      return matches(filter.left, lookup) || matches(filter.right, lookup);
    case 'not':
      return !matches(filter.inner, lookup);
    case 'compare':
      return compare(valueAt(lookup, filter.path), filter.operator, filter.value);
    case 'text':
      return matchText(valueAt(lookup, filter.path), filter.name, filter.value);
    case 'in': {
      const value = valueAt(lookup, filter.path);
      return filter.values.some((candidate) => compare(value, 'eq', candidate));
    }
    case 'any':
      return matchAny(valueAt(lookup, filter.path), filter);
    default:
      return filter satisfies never;
  }
}

function matchAny(list: unknown, filter: Extract<Filter, { kind: 'any' }>): boolean {
  if (!Array.isArray(list)) return false;
  const { inner, variable } = filter;
  if (!inner) return list.length > 0;
  return list.some((item: unknown) =>
    matches(inner, (path) => {
      if (path === variable) return item;
      return isJsonObject(item) ? item[path.slice(variable.length + 1)] : undefined;
    }),
  );
}

function valueAt(lookup: Lookup, path: string): unknown {
  const direct = lookup(path);
  if (direct !== undefined || !path.includes('/')) return direct;
  const [first = '', ...rest] = path.split('/');
  let value = lookup(first);
  for (const name of rest) {
    if (name === '$count') return Array.isArray(value) ? value.length : 0;
    value = isJsonObject(value) ? value[name] : undefined;
  }
  return value;
}

function compare(actual: unknown, operator: Comparison, expected: FilterValue): boolean {
  if (operator === 'eq') return normal(actual) === normal(expected);
  if (operator === 'ne') return normal(actual) !== normal(expected);
  const [left, right] = [normal(actual), normal(expected)];
  if (left === null || right === null || typeof left !== typeof right) return false;
  const order = left < right ? -1 : left > right ? 1 : 0;
  return { gt: order > 0, ge: order >= 0, lt: order < 0, le: order <= 0 }[operator];
}

function matchText(actual: unknown, name: TextFunction, expected: FilterValue): boolean {
  if (typeof actual !== 'string' || typeof expected !== 'string') return false;
  const [text, part] = [actual.toLowerCase(), expected.toLowerCase()];
  if (name === 'startswith') return text.startsWith(part);
  return name === 'endswith' ? text.endsWith(part) : text.includes(part);
}

function normal(value: unknown): string | number | boolean | null {
  if (typeof value === 'string') return value.toLowerCase();
  return typeof value === 'number' || typeof value === 'boolean' ? value : null;
}
