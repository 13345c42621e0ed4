import { sameValues, valueKey, type AttributeValue } from '../../directory/attributes.ts';
import type { LdapShape } from './config.ts';
import { parseDn } from '../../directory/dn/dn.ts';
import type { Modification } from './protocol/messages/requests.ts';

type Values = Readonly<Record<string, readonly AttributeValue[]>>;

/** From this many values on, a small difference is written as such instead of the whole list. */
const manyValues = 50;

/** What turns the values before into the wanted ones; nothing for attributes that are equal already. */
export function modificationsBetween(before: Values, set: Values): Modification[] {
  return Object.entries(set).flatMap(([attribute, values]) =>
    sameValues(before[attribute], values) ? [] : modificationsOf(attribute, before[attribute] ?? [], values),
  );
}

/** The same in a form that does not depend on what is there now (RFC 4511 section 4.6: replace). */
export function replacements(modifications: readonly Modification[], set: Values): Modification[] {
  const attributes = new Set(modifications.map(({ attribute }) => attribute));
  return [...attributes].map((attribute) => ({
    operation: 'replace',
    attribute,
    values: set[attribute] ?? [],
  }));
}

function modificationsOf(
  attribute: string,
  before: readonly AttributeValue[],
  values: readonly AttributeValue[],
): Modification[] {
  const removed = difference(before, values);
  const added = difference(values, before);
  const isSmall = (removed.length + added.length) * 2 < values.length;
  // Values can be deleted one by one only where the server can compare them: bytes it often cannot.
  const isText = before.every((value) => typeof value === 'string');
  if (before.length < manyValues || !isSmall || !isText) return [{ operation: 'replace', attribute, values }];
  return [
    ...(removed.length > 0 ? [{ operation: 'delete', attribute, values: removed } as const] : []),
    ...(added.length > 0 ? [{ operation: 'add', attribute, values: added } as const] : []),
  ];
}

function difference(left: readonly AttributeValue[], right: readonly AttributeValue[]): AttributeValue[] {
  const keys = new Set(right.map(valueKey));
  return left.filter((value) => !keys.has(valueKey(value)));
}

/** Marks an account as disabled or enabled, as the connection's settings say; nothing when they do not. */
export function accountState(shape: LdapShape, enabled: boolean | undefined): Modification[] {
  if (enabled === undefined || shape.disabled === undefined) return [];
  const { attribute, value, enabledValue } = shape.disabled;
  const active = enabledValue === undefined ? [] : [enabledValue];
  return [{ operation: 'replace', attribute, values: enabled ? active : [value] }];
}

/** The values before a rename, as they are after it: ModifyDN swaps those that name the entry (RFC 4511 section 4.9). */
export function afterRename(before: Values, oldName: string, newName: string): Values {
  const values: Record<string, readonly AttributeValue[]> = { ...before };
  const pairs = (name: string): { attribute: string; value: string }[] =>
    (parseDn(name).rdns[0]?.pairs ?? []).flatMap(({ type, value }) =>
      Object.keys(before)
        .filter((key) => key.toLowerCase() === type.toLowerCase() && typeof value === 'string')
        .map((attribute) => ({ attribute, value: value as string })),
    );
  for (const { attribute, value } of pairs(oldName)) {
    values[attribute] = (values[attribute] ?? []).filter((old) => valueKey(old) !== valueKey(value));
  }
  for (const { attribute, value } of pairs(newName)) {
    values[attribute] = [
      ...(values[attribute] ?? []).filter((old) => valueKey(old) !== valueKey(value)),
      value,
    ];
  }
  return values;
}
