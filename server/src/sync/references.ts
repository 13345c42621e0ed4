import { randomUUID } from 'node:crypto';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes, AttributeValue, JsonAttributes } from '../directory/attributes.ts';
import { referenceAttributes } from '../directory/references.ts';
import type { PlannedChange } from './planned-change.ts';

/**
 * Egress: names the target attributes of a recorded image whose values are ids of directory objects. What these go by in
 * the target is looked up when the change is carried out.
 */
export const referencesAttribute = '$references';

/** Egress: `$pending.` and a target attribute lists the ids that the object's attribute gets by a later change. */
export const pendingPrefix = '$pending.';

/** Egress: `$present.` and a target attribute lists what an existing entry names there, in the form in which links are compared. */
export const presentPrefix = '$present.';

/** Nobody knows it, and so no value begins with it: a mapping may carry a reference like any other value. */
const mark = `\u001f${randomUUID()} `;

/** By directory id: how the target names the object, or null while the plan has yet to create it there. */
export type KnownReferences = Readonly<Record<string, string | null>>;

/** Ingress: values that name objects, in the form in which links are compared; what names nothing is left out. */
export function normaliseReferences(
  kind: ObjectKind,
  attributes: Attributes,
  normalise: (text: string) => string | null,
): Attributes {
  const named = referenceAttributes[kind].filter((name) => attributes[name] !== undefined);
  if (named.length === 0) return attributes;
  const normalised: Attributes = { ...attributes };
  for (const name of named) {
    const references = (attributes[name] ?? []).flatMap((value) =>
      typeof value === 'string' ? (normalise(value) ?? []) : [],
    );
    if (references.length > 0) normalised[name] = references;
    else delete normalised[name];
  }
  return normalised;
}

/** Egress: the source of a mapping, its references marked. Those to objects that are not in scope are left out. */
export function markReferences(kind: ObjectKind, source: Attributes, known: KnownReferences): Attributes {
  const named = referenceAttributes[kind].filter((name) => source[name] !== undefined);
  if (named.length === 0) return source;
  const marked: Attributes = { ...source };
  for (const name of named) {
    const references = (source[name] ?? []).flatMap((value) =>
      typeof value === 'string' && Object.hasOwn(known, value) ? `${mark}${value}` : [],
    );
    if (references.length > 0) marked[name] = references;
    else delete marked[name];
  }
  return marked;
}

function referencedId(value: AttributeValue): string | undefined {
  return typeof value === 'string' && value.startsWith(mark) ? value.slice(mark.length) : undefined;
}

/** Most objects name no others: their values need not be looked through. */
function namesNothing(known: KnownReferences): boolean {
  return Object.keys(known).length === 0;
}

/** Attributes as they shall be in the target, parted by what their references come to. */
export interface PartedReferences {
  /** Without what has to wait. */
  readonly attributes: Attributes;
  /** Attributes with references to objects that the plan has yet to create in the target: all their ids. */
  readonly pending: JsonAttributes;
}

/** As if none of the objects were in the target yet: for a new object whose references are written after it. */
export function allWaiting(known: KnownReferences): KnownReferences {
  return Object.fromEntries(Object.keys(known).map((id) => [id, null]));
}

/** Takes out the attributes that name an object which is not in the target yet. */
export function partReferences(attributes: Attributes, known: KnownReferences): PartedReferences {
  if (namesNothing(known)) return { attributes, pending: {} };
  const parted: Attributes = {};
  const pending: JsonAttributes = {};
  for (const [name, values] of Object.entries(attributes)) {
    const ids = values.flatMap((value) => referencedId(value) ?? []);
    if (ids.some((id) => known[id] === null)) pending[`${pendingPrefix}${name}`] = ids;
    else parted[name] = values;
  }
  return { attributes: parted, pending };
}

/** Whether an attribute's wanted references are what the target has. */
export function sameReferences(
  wanted: readonly unknown[],
  present: readonly unknown[],
  known: KnownReferences,
  normalise: (text: string) => string | null,
): boolean {
  const asked = new Set<string | null>();
  for (const value of wanted) {
    const id = referencedId(value as AttributeValue);
    if (id === undefined) return false;
    asked.add(known[id] ?? null);
  }
  const found = new Set(present.map((value) => (typeof value === 'string' ? normalise(value) : null)));
  return (
    !asked.has(null) && asked.size === found.size && [...asked].every((reference) => found.has(reference))
  );
}

/** A change as it is recorded: marked values become ids, under the names that `$references` lists. */
export function recordReferences(change: PlannedChange, known: KnownReferences): PlannedChange {
  if (!change.after || namesNothing(known)) return change;
  const after: JsonAttributes = { ...change.after };
  const names: string[] = [];
  for (const [name, values] of Object.entries(after)) {
    if (!values.some((value) => typeof value === 'string' && value.startsWith(mark))) continue;
    names.push(name);
    after[name] = values.map((value) => (typeof value === 'string' ? value.slice(mark.length) : value));
  }
  return names.length === 0 ? change : { ...change, after: { ...after, [referencesAttribute]: names } };
}
