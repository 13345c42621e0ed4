import type { Verb } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import { sameValues, valuesOf, valueToJson } from '../directory/attributes.ts';
import { enabledAttribute, nameAttribute, parentAttribute } from './image.ts';
import type { Image } from './image.ts';

export interface Difference {
  /** The one verb that says it: a move carries attribute changes of the same object with it. */
  readonly verb: Extract<Verb, 'update' | 'move' | 'disable' | 'enable'>;
  readonly before: JsonAttributes;
  readonly after: JsonAttributes;
}

export interface DiffOptions {
  /** Attributes that the sync manages; others are left alone. */
  readonly managed: readonly string[];
  readonly sameName: (left: string, right: string) => boolean;
  /** Whether two values of an attribute that holds references name the same object. */
  readonly sameReferences?: (
    attribute: string,
    left: readonly unknown[],
    right: readonly unknown[],
  ) => boolean;
}

/**
 * What must change for `existing` to become `desired`; null when nothing. Pure.
 * A managed attribute that `desired` does not have is removed; an account state of null is left alone.
 */
export function diffImages(desired: Image, existing: Image, options: DiffOptions): Difference | null {
  const before: JsonAttributes = {};
  const after: JsonAttributes = {};
  for (const name of options.managed) {
    const wanted = valuesOf(desired.attributes, name);
    const present = valuesOf(existing.attributes, name);
    if (sameValues(wanted, present)) continue;
    if (wanted && present && options.sameReferences?.(name, wanted, present)) continue;
    before[name] = (present ?? []).map(valueToJson);
    after[name] = (wanted ?? []).map(valueToJson);
  }
  const moved = desired.parent !== existing.parent;
  const renamed = !options.sameName(desired.name, existing.name);
  if (moved) {
    before[parentAttribute] = [existing.parent ?? ''];
    after[parentAttribute] = [desired.parent ?? ''];
  }
  // The name goes with every move: a target needs it to say where the object shall be.
  if (renamed || moved) {
    before[nameAttribute] = [existing.name];
    after[nameAttribute] = [desired.name];
  }
  const switched = desired.enabled !== null && desired.enabled !== (existing.enabled ?? true);
  if (switched) {
    before[enabledAttribute] = [String(existing.enabled ?? true)];
    after[enabledAttribute] = [String(desired.enabled)];
  }
  if (Object.keys(after).length === 0) return null;
  if (moved || renamed) return { verb: 'move', before, after };
  if (switched) return { verb: desired.enabled ? 'enable' : 'disable', before, after };
  return { verb: 'update', before, after };
}
