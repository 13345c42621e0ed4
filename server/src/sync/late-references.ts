import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { valuesOf, valueToJson } from '../directory/attributes.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { Image } from './image.ts';
import type { PlannedChange } from './planned-change.ts';
import { pendingPrefix, presentPrefix, referencesAttribute } from './references.ts';

/** An entry that is in the target and names an object which the plan has yet to create, or to bind, there. */
export interface WaitingEntry {
  readonly kind: ObjectKind;
  readonly objectId: string;
  readonly label: string;
  readonly scope: number;
  /** See `PartedReferences.pending`. */
  readonly pending: JsonAttributes;
  readonly existing: Image;
}

/**
 * Egress: the update that gives an existing entry the references it waits for. It stands behind all that creates and
 * binds objects, and is dropped from the plan where these turn out to be what the entry names already.
 */
export function planLateReferences(
  { kind, objectId, label, scope, pending, existing }: WaitingEntry,
  normalise: (text: string) => string | null,
): PlannedChange {
  const before: JsonAttributes = {};
  const after: JsonAttributes = {};
  for (const [key, ids] of Object.entries(pending)) {
    const name = key.slice(pendingPrefix.length);
    const present = valuesOf(existing.attributes, name) ?? [];
    before[name] = present.map(valueToJson);
    before[`${presentPrefix}${name}`] = present.map((value) =>
      typeof value === 'string' ? (normalise(value) ?? '') : '',
    );
    after[name] = ids;
  }
  return {
    kind,
    verb: 'update',
    objectId,
    externalId: null,
    label,
    before,
    after: {
      ...after,
      [referencesAttribute]: Object.keys(pending).map((key) => key.slice(pendingPrefix.length)),
    },
    link: { reference: null, alias: null, location: null, scope, fingerprint: null },
  };
}
