import type { AttributeValue, Attributes } from '../../../directory/attributes.ts';
import { parseDn } from '../../../directory/dn/dn.ts';

/** The key in `attributes` that stands for `name`; attribute names of LDIF know no case. */
export function findKey(attributes: Attributes, name: string): string | undefined {
  if (Object.hasOwn(attributes, name)) return name;
  const lower = name.toLowerCase();
  return Object.keys(attributes).find((key) => key.toLowerCase() === lower);
}

function fold(value: AttributeValue): AttributeValue {
  return typeof value === 'string' ? value.toLowerCase() : value;
}

function pairsOf(rdn: string): readonly { readonly type: string; readonly value: string }[] {
  const pairs = parseDn(rdn).rdns[0]?.pairs ?? [];
  return pairs.flatMap(({ type, value }) => (typeof value === 'string' ? [{ type, value }] : []));
}

/** An entry holds the values of its RDN among its attributes (RFC 4512 section 2.3); adds those it lacks. */
export function withRdnValues(attributes: Attributes, rdn: string): Attributes {
  const result = { ...attributes };
  for (const { type, value } of pairsOf(rdn)) {
    const key = findKey(result, type) ?? type;
    const values = result[key] ?? [];
    if (!values.some((other) => fold(other) === fold(value))) result[key] = [value, ...values];
  }
  return result;
}

/** Takes the values of a former RDN away, as ModifyDN with deleteoldrdn does (RFC 4511 section 4.9). */
export function withoutRdnValues(attributes: Attributes, rdn: string): Attributes {
  const result = { ...attributes };
  for (const { type, value } of pairsOf(rdn)) {
    const key = findKey(result, type);
    if (key === undefined) continue;
    const rest = (result[key] ?? []).filter((other) => fold(other) !== fold(value));
    if (rest.length > 0) result[key] = rest;
    else delete result[key];
  }
  return result;
}
