import type { AttributeValue } from '../../directory/attributes.ts';
import { foldText } from '../../directory/dn/dn.ts';
import { sameDescription } from './config.ts';
import { normaliseReference } from './location.ts';

function descriptions(names: string): ReadonlySet<string> {
  return new Set(names.split(' ').map(sameDescription));
}

/** Attributes whose values differ neither by letter case nor by repeated or outer blanks (RFC 4519, 4524, 2798). */
const caseIgnored = descriptions(
  'cn sn givenName initials displayName uid mail title description o ou l st street postalCode postalAddress ' +
    'postOfficeBox physicalDeliveryOfficeName homePostalAddress businessCategory employeeNumber employeeType ' +
    'departmentNumber carLicense roomNumber',
);

/** Here blanks and hyphens do not count at all (RFC 4517 section 4.2.29). */
const telephoneNumbers = descriptions('telephoneNumber mobile homePhone pager');

/** Attributes whose values are DNs, which servers may store as they would write them themselves. */
const dnValued = descriptions('seeAlso manager secretary owner roleOccupant assistant documentAuthor');

/** Values without those that mean the same to a server as one before them: it refuses an attribute that holds both. */
export function distinctValues(name: string, values: readonly AttributeValue[]): readonly AttributeValue[] {
  if (values.length < 2) return values;
  const description = sameDescription(name);
  const isNumber = telephoneNumbers.has(description);
  if (!isNumber && !caseIgnored.has(description)) return values;
  const seen = new Set<string>();
  return values.filter((value) => {
    if (typeof value !== 'string') return true;
    const folded = foldText(value);
    const key = isNumber ? folded.replaceAll(/[ -]/g, '') : folded;
    if (seen.has(key)) return false;
    seen.add(key);
    return true;
  });
}

const utf8 = new TextEncoder();

/** Equal where the bytes are, whether they were read as text or not. */
const bytesKey = (value: AttributeValue): string =>
  Buffer.from(typeof value === 'string' ? utf8.encode(value) : value).toString('latin1');

/**
 * The values as text or bytes, whichever the server's were read as: a connection may say of an attribute that it is
 * binary where the other one does not, and the same values would be written each time.
 */
export function asRead(
  values: readonly AttributeValue[],
  present: readonly AttributeValue[],
): readonly AttributeValue[] {
  const form = typeof values[0];
  if ([...values, ...present].every((value) => typeof value === form)) return values;
  const read = new Map(present.map((value) => [bytesKey(value), value]));
  return values.map((value) => read.get(bytesKey(value)) ?? value);
}

/** The values as the server spells them where they are the same names: another spelling would be written each time. */
export function asSpelled(
  name: string,
  values: readonly AttributeValue[],
  present: readonly AttributeValue[],
): readonly AttributeValue[] {
  if (!dnValued.has(sameDescription(name))) return values;
  const wanted = namesOf(values);
  const found = namesOf(present);
  const isSame = wanted !== null && found !== null && wanted.size === found.size;
  return isSame && [...wanted].every((dn) => found.has(dn)) ? present : values;
}

/** Null when one of them is no DN. */
function namesOf(values: readonly AttributeValue[]): ReadonlySet<string> | null {
  const names = values.map((value) => (typeof value === 'string' ? normaliseReference(value) : null));
  return names.every((name) => name !== null) ? new Set(names) : null;
}
