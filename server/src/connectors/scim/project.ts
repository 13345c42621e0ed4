import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { foldCase } from '../../scim/resource.ts';
import type { ExternalObject, Projected } from '../../sync/connector.ts';
import { definitionOf, type Definition } from './definitions.ts';
import type { ResourceShape } from './discovery.ts';
import { foldName, nameAttributes, type ScimKind } from './naming.ts';
import { attributeKey, parseNotation, subAttributeOf, type Notation } from './notation.ts';
import type { Profile } from './profiles.ts';

/**
 * Fits mapped attributes to what the service can hold: attributes that it does not have, or does not let anybody set,
 * are left out; single values and types are kept to. A value that the service would show in another spelling is taken
 * as it shows it, so that it is not written again and again.
 * @throws LockstepError RequiredValueMissing
 */
export function projectResource(
  kind: ScimKind,
  attributes: Attributes,
  existing: ExternalObject | null,
  { shape, profile }: { readonly shape: ResourceShape | undefined; readonly profile: Profile },
): Projected {
  const draft: Attributes = {};
  const elements = new Map<string, string>();
  for (const [name, given] of Object.entries(attributes)) {
    const notation = parseNotation(name);
    const definition = definitionOf(shape, notation);
    const values = fit(notation, definition, given, existing?.attributes[name], existing !== null, profile);
    if (values.length > 0 && isFirstElement(notation, definition, profile, elements)) draft[name] = values;
  }
  const name = takeName(kind, draft, existing);
  if (existing === null) checkDemands(kind, draft, profile);
  return { name, attributes: draft };
}

function fit(
  notation: Notation,
  definition: Definition,
  given: readonly AttributeValue[],
  before: readonly AttributeValue[] | undefined,
  exists: boolean,
  profile: Profile,
): readonly AttributeValue[] {
  if (!definition.exists || definition.mutability === 'readOnly' || isLacking(notation, profile)) return [];
  // What is never shown cannot be compared: it is given once.
  if (!definition.isShown && exists) return [];
  if (definition.mutability === 'immutable' && before !== undefined && before.length > 0) return before;
  const texts = given.flatMap((value) => textOf(value, definition) ?? []);
  const spelled = asShown(texts, before, notation, definition);
  return holdsSeveral(notation, definition, profile) ? spelled : spelled.slice(0, 1);
}

function isLacking(notation: Notation, profile: Profile): boolean {
  return profile.lacks.includes(foldCase(notation.extension ?? notation.attribute));
}

/** Several values fit where each makes an element of its own. */
function holdsSeveral(notation: Notation, { isList }: Definition, profile: Profile): boolean {
  if (!isList || profile.singleElements) return false;
  return foldCase(subAttributeOf(notation) ?? 'value') === 'value';
}

/** Where a list takes one element, it is that of the first notation that has values. */
function isFirstElement(
  notation: Notation,
  { isList }: Definition,
  profile: Profile,
  elements: Map<string, string>,
): boolean {
  if (!isList || !profile.singleElements) return true;
  const key = attributeKey(notation);
  const element = JSON.stringify(notation.where);
  const first = elements.get(key) ?? element;
  elements.set(key, first);
  return first === element;
}

/** The value as text; undefined for one that the type cannot hold. */
function textOf(value: AttributeValue, { type }: Definition): string | undefined {
  if (typeof value !== 'string') {
    return type === 'binary' ? Buffer.from(value).toString('base64') : undefined;
  }
  const trimmed = value.trim();
  if (trimmed === '') return undefined;
  if (type === 'boolean') return /^(true|false)$/i.test(trimmed) ? foldCase(trimmed) : undefined;
  if (type === 'integer') return /^-?\d+$/.test(trimmed) ? String(Number(trimmed)) : undefined;
  if (type === 'decimal') return Number.isFinite(Number(trimmed)) ? String(Number(trimmed)) : undefined;
  if (type === 'dateTime') return Number.isNaN(Date.parse(trimmed)) ? undefined : trimmed;
  return value;
}

/** Each wanted value in the spelling in which the service shows it, where it is the same one. */
function asShown(
  wanted: readonly string[],
  before: readonly AttributeValue[] | undefined,
  notation: Notation,
  definition: Definition,
): string[] {
  if (before === undefined) return wanted.slice();
  const shown = new Map<string, string>();
  for (const value of before) {
    if (typeof value === 'string') shown.set(comparable(value, notation, definition), value);
  }
  return wanted.map((value) => shown.get(comparable(value, notation, definition)) ?? value);
}

/** Names and addresses that differ in letter case alone mean the same to nearly every service. */
const caseless = new Set(['username', 'emails']);

function comparable(value: string, notation: Notation, { type, caseExact }: Definition): string {
  const text = value.normalize('NFC').trim();
  const attribute = foldCase(notation.attribute);
  if (type === 'dateTime') return String(Date.parse(text));
  if (type === 'boolean') return foldCase(text);
  if (attribute === 'phonenumbers' && foldCase(subAttributeOf(notation) ?? 'value') === 'value') {
    const digits = text.replace(/^tel:/i, '').replaceAll(/[\s().\-/]/g, '');
    if (/^\+?\d{4,}$/.test(digits)) return digits;
  }
  if (caseless.has(attribute) && !caseExact) return foldCase(text);
  if (type === 'reference') return text.replace(/\/$/, '');
  return text;
}

function takeName(kind: ScimKind, draft: Attributes, existing: ExternalObject | null): string {
  const attribute = nameAttributes[kind];
  const key = Object.keys(draft).find((name) => foldCase(name) === foldCase(attribute));
  const name = key === undefined ? undefined : draft[key]?.[0];
  if (typeof name === 'string') return name;
  if (existing !== null && !isManaged(existing, attribute)) return existing.name;
  throw missing(attribute);
}

/** A mapping that leaves the name out leaves it alone. */
function isManaged({ attributes }: ExternalObject, attribute: string): boolean {
  return Object.keys(attributes).some((name) => foldName(name) === foldName(attribute));
}

function checkDemands(kind: ScimKind, draft: Attributes, { demands }: Profile): void {
  if (kind !== 'user') return;
  const present = Object.keys(draft).map(parseNotation);
  for (const demand of demands.map(parseNotation)) {
    const isThere = present.some(
      (notation) =>
        attributeKey(notation) === attributeKey(demand) &&
        (subAttributeOf(notation) ?? 'value') === (subAttributeOf(demand) ?? 'value'),
    );
    if (!isThere) throw missing(demand.text);
  }
}

function missing(attribute: string): LockstepError {
  return new LockstepError('RequiredValueMissing', `no value for ${attribute}, which the service demands`, {
    field: attribute,
    remedy: `Map a value to ${attribute}.`,
  });
}
