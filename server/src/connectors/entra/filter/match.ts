import type { ReplicaAttributes } from '../../../sync/replica.ts';
import type { Condition } from './filter.ts';

function valueAt(properties: ReplicaAttributes, path: string): unknown {
  let value: unknown = properties;
  for (const name of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
  }
  return value;
}

/** Texts are compared without regard to letter case, as Graph does. */
function folded(value: unknown): unknown {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function equals(value: unknown, wanted: unknown): boolean {
  if (wanted === null)
    return value === undefined || value === null || (Array.isArray(value) && value.length === 0);
  if (Array.isArray(value)) return value.some((item) => folded(item) === folded(wanted));
  return folded(value) === folded(wanted);
}

function hasText(value: unknown, test: (text: string) => boolean): boolean {
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  return values.some((item) => typeof item === 'string' && test(item.toLowerCase()));
}

const textTests = {
  startswith: (value: string, text: string) => value.startsWith(text),
  endswith: (value: string, text: string) => value.endsWith(text),
  contains: (value: string, text: string) => value.includes(text),
} as const;

/** Whether an object meets a condition. A property that is not there is null; of a list one value is enough. */
export function meets(properties: ReplicaAttributes, condition: Condition): boolean {
  if (condition.op === 'and') return condition.parts.every((part) => meets(properties, part));
  if (condition.op === 'or') return condition.parts.some((part) => meets(properties, part));
  if (condition.op === 'not') return !meets(properties, condition.part);
  const value = valueAt(properties, condition.property);
  if ('text' in condition) {
    const text = condition.text.toLowerCase();
    return hasText(value, (one) => textTests[condition.op](one, text));
  }
  return condition.values.some((wanted) => equals(value, wanted)) === (condition.op !== 'ne');
}
