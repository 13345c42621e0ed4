import type { AttributeValue } from '../../directory/attributes.ts';
import type { EntraKind } from './select.ts';

/** How long the texts of a property may be, in UTF-16 units. */
const longestTexts: Readonly<Record<EntraKind, Readonly<Record<string, number>>>> = {
  user: {
    businessPhones: 64,
    city: 128,
    companyName: 64,
    country: 128,
    department: 64,
    displayName: 256,
    employeeType: 256,
    faxNumber: 64,
    givenName: 64,
    jobTitle: 128,
    mobilePhone: 64,
    officeLocation: 128,
    postalCode: 40,
    preferredLanguage: 20,
    state: 128,
    streetAddress: 1024,
    surname: 64,
  },
  group: { description: 1024, displayName: 256 },
};

/** Names of things: shortened they would name another one, so that they are left out instead. */
const identifiers: Readonly<Record<string, number>> = { employeeId: 16, usageLocation: 2 };

/** Properties that hold several values. Of phone numbers Graph takes one. */
const lists: readonly string[] = ['otherMails', 'imAddresses', 'proxyAddresses'];
const truthValues: readonly string[] = ['showInAddressList', 'isAssignableToRole'];

/** Properties that hold a list, also where it has one value at most. */
function isList(property: string): boolean {
  return property === 'businessPhones' || lists.includes(property);
}

function cut(text: string, length: number): string {
  const short = text.slice(0, length);
  // Half of a surrogate pair is no text.
  return (short.isWellFormed() ? short : short.slice(0, -1)).trimEnd();
}

/** What a property can hold of one text; undefined: nothing. */
function fitText(kind: EntraKind, property: string, value: AttributeValue): string | undefined {
  if (typeof value !== 'string') return undefined;
  const text = (property === 'streetAddress' ? value : value.replaceAll(/\s*[\r\n]+\s*/g, ' ')).trim();
  if (text === '') return undefined;
  const exact = identifiers[property];
  if (exact !== undefined) return text.length <= exact ? text : undefined;
  const fitted = cut(text, longestTexts[kind][property] ?? Number.MAX_SAFE_INTEGER);
  return fitted === '' ? undefined : fitted;
}

/**
 * What a property can hold of the values of an attribute, in their order: one, where it is no list; no bytes, no blanks
 * around, not more than it is long. This is what is compared and what is written.
 */
export function fitValues(kind: EntraKind, property: string, values: readonly AttributeValue[]): string[] {
  const fitted = values.map((value) => fitText(kind, property, value)).filter((value) => value !== undefined);
  return lists.includes(property) ? [...new Set(fitted)] : fitted.slice(0, 1);
}

function jsonValue(property: string, values: readonly string[]): unknown {
  if (isList(property)) return values;
  const [first] = values;
  if (first === undefined) return null;
  return truthValues.includes(property) ? first === 'true' : first;
}

/** The body that sets attributes; `outer.inner` sets a member of an inner object. An attribute without values is null. */
export function propertiesOf(
  set: Readonly<Record<string, readonly AttributeValue[]>>,
): Record<string, unknown> {
  const body: Record<string, unknown> = {};
  for (const [name, values] of Object.entries(set)) {
    const texts = values.filter((value) => typeof value === 'string');
    const [outer = name, inner] = name.split('.', 2);
    if (inner === undefined) body[outer] = jsonValue(name, texts);
    else body[outer] = { ...(body[outer] as object | undefined), [inner]: jsonValue(name, texts) };
  }
  return body;
}
