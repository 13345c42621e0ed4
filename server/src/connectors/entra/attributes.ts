import type { Attributes } from '../../directory/attributes.ts';
import type { ReplicaAttributes } from '../../sync/replica.ts';

type Draft = Map<string, string[]>;

function put(draft: Draft, name: string, value: unknown): void {
  if (value === null || value === undefined || value === '') return;
  if (Array.isArray(value)) {
    for (const item of value as unknown[]) put(draft, name, isRecord(item) ? renderItem(item) : item);
    return;
  }
  if (isRecord(value)) {
    for (const [part, inner] of Object.entries(value)) {
      if (!part.includes('@')) put(draft, `${name}.${part}`, inner);
    }
    return;
  }
  if (typeof value !== 'string' && typeof value !== 'boolean' && typeof value !== 'number') return;
  const values = draft.get(name);
  if (values === undefined) draft.set(name, [String(value)]);
  else values.push(String(value));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A licence is known by its product; other objects in lists are shown as their JSON. */
function renderItem(item: Record<string, unknown>): string {
  return typeof item['skuId'] === 'string' ? item['skuId'] : JSON.stringify(item);
}

/**
 * Properties of an object as attributes: texts as they are, truth values and numbers as text, members of an inner object
 * under `outer.inner`, licences by their `skuId`. What is null, empty or an empty list is absent, and so are annotations,
 * whose names have an @.
 */
export function attributesOf(properties: ReplicaAttributes): Attributes {
  const draft: Draft = new Map();
  for (const [name, value] of Object.entries(properties)) {
    if (!name.includes('@')) put(draft, name, value);
  }
  return Object.fromEntries(draft);
}
