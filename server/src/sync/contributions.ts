import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes, JsonValue } from '../directory/attributes.ts';

/** What one ingress sync says of an object. */
export interface Contribution {
  readonly syncSerial: number;
  readonly values: JsonAttributes;
}

/**
 * The values that an object shall have where several syncs feed it: for each attribute those of the first sync in
 * the order of precedence that has any. The loser's values stay in its contribution and take over when the winner goes.
 */
export function mergeContributions(
  contributions: readonly Contribution[],
  attributes: Iterable<string>,
  precedence: (attribute: string) => readonly number[],
): JsonAttributes {
  const merged: JsonAttributes = {};
  for (const attribute of attributes) {
    const order = precedence(attribute);
    let best: { rank: number; values: readonly JsonValue[] } | null = null;
    for (const { syncSerial, values } of contributions) {
      const present = values[attribute];
      if (!present || present.length === 0) continue;
      const found = order.indexOf(syncSerial);
      const rank = found < 0 ? order.length + syncSerial : found;
      if (!best || rank < best.rank) best = { rank, values: present };
    }
    if (best) merged[attribute] = best.values;
  }
  return merged;
}

/** A contribution that was never written down: what the object has, of the attributes that the sync manages. */
export function impliedContribution(held: JsonAttributes, managed: readonly string[]): JsonAttributes {
  const implied: JsonAttributes = {};
  for (const name of managed) {
    const values = held[name];
    if (values) implied[name] = values;
  }
  return implied;
}

/** Which attributes a merge must look at: managed by any of the syncs involved. */
export function contributedAttributes(
  managed: readonly (readonly string[])[],
  contributions: readonly Contribution[],
): Set<string> {
  const names = new Set<string>(managed.flat());
  for (const { values } of contributions) for (const name of Object.keys(values)) names.add(name);
  return names;
}

/** The naming attribute of each kind in the directory. */
export const namingAttribute: Record<ObjectKind, string> = {
  user: 'username',
  organizationalUnit: 'name',
  group: 'name',
};
