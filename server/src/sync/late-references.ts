import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import { valuesOf, valueToJson } from '../directory/attributes.ts';
import type { JsonAttributes } from '../directory/attributes.ts';
import type { Image } from './image.ts';
import type { LinkData, PlannedChange } from './planned-change.ts';
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

/** References that an entry shall have, and those that it has. */
function imagesOf({ pending, existing }: WaitingEntry) {
  const before: Record<string, JsonAttributes[string]> = {};
  const after: Record<string, JsonAttributes[string]> = {};
  for (const [key, ids] of Object.entries(pending)) {
    const name = key.slice(pendingPrefix.length);
    before[name] = (valuesOf(existing.attributes, name) ?? []).map(valueToJson);
    after[name] = ids;
  }
  return { before, after };
}

/** What the entry names, in the form in which links are compared, by `$present.` and the attribute. */
function presentReferences(
  { pending, existing }: WaitingEntry,
  normalise: (text: string) => string | null,
): JsonAttributes {
  const present: Record<string, JsonAttributes[string]> = {};
  for (const key of Object.keys(pending)) {
    const name = key.slice(pendingPrefix.length);
    present[`${presentPrefix}${name}`] = (valuesOf(existing.attributes, name) ?? []).map((value) =>
      typeof value === 'string' ? (normalise(value) ?? '') : '',
    );
  }
  return present;
}

const noLink: LinkData = { reference: null, alias: null, location: null, scope: 0, fingerprint: null };

/** The change with references besides. */
function withReferences(change: PlannedChange, before: JsonAttributes, after: JsonAttributes): PlannedChange {
  const named = [...(change.after?.[referencesAttribute] ?? []), ...Object.keys(after)];
  return {
    ...change,
    before: { ...change.before, ...before },
    after: { ...change.after, ...after, [referencesAttribute]: named },
  };
}

/** Changes that nothing else of a plan waits for: they may as well be the last. */
const postponable: ReadonlySet<Verb> = new Set(['update', 'enable', 'disable']);

/**
 * Egress: parts the changes of an entry which waits for references into those that keep their place in the plan and the
 * one that stands behind all that creates and binds objects. Where nothing else of the entry changes, the latter is
 * dropped from the plan if these turn out to be what the entry names already.
 */
export function planLate(
  changes: readonly PlannedChange[],
  waiting: WaitingEntry,
  normalise: (text: string) => string | null,
): { readonly changes: readonly PlannedChange[]; readonly late: PlannedChange } {
  const { before, after } = imagesOf(waiting);
  const last = changes.at(-1);
  if (last && postponable.has(last.verb))
    return { changes: changes.slice(0, -1), late: withReferences(last, before, after) };
  const { kind, objectId, label, scope, pending } = waiting;
  const update: PlannedChange = {
    kind,
    verb: 'update',
    objectId,
    externalId: null,
    label,
    link: { ...noLink, scope },
  };
  // What has moved is looked at again, whatever it became.
  const kept = changes.map((change) =>
    change.after ? { ...change, after: { ...change.after, ...pending } } : change,
  );
  const present = presentReferences(waiting, normalise);
  return { changes: kept, late: withReferences(update, { ...before, ...present }, after) };
}
