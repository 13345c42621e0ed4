import type { AttributeValue } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { ExternalObject } from './connector.ts';

/** Whether a text can be kept: no NUL, no half of a surrogate pair, not empty. */
export function isStorable(text: string): boolean {
  return text !== '' && text.isWellFormed() && !text.includes('\u0000');
}

/** Octets of an id, a name or a reference: rows of an index take 2,704, and some hold two of these. */
const mostOctets = 1300;

/** Whether a text is short enough to be looked up by. */
export function isIndexable(text: string): boolean {
  return text.length * 3 <= mostOctets || Buffer.byteLength(text) <= mostOctets;
}

function isKeepable(value: AttributeValue): boolean {
  return typeof value !== 'string' || value === '' || isStorable(value);
}

const longestShown = 2000;

/** Of a place that is itself too long: what is wrong with it has to be seen behind it. */
const longestPlace = 200;

/** A text without what cannot be kept, and not too long, to name a broken record by. */
export function printable(text: string, longest = longestShown): string {
  const whole = text.length <= longest ? text : `${text.slice(0, longest)}...`;
  return whole.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/** @throws LockstepError InvalidRecord for a name that is too long to be looked up by */
export function requireShort(text: string, what: string, location: string): void {
  if (isIndexable(text)) return;
  throw new LockstepError(
    'InvalidRecord',
    `${printable(location, longestPlace)}: ${what} is longer than ${mostOctets} octets: ${text.slice(0, 40)}...`,
  );
}

/**
 * A record with a text that no store can keep fails alone, and names itself; it must not break the batch that it is in.
 * @throws LockstepError InvalidRecord
 */
export function requireStorable(entry: ExternalObject): ExternalObject {
  const { reference, alias = '', location, parents, name, attributes, members = [] } = entry;
  const known = isKeepable(reference) && isKeepable(alias) && isKeepable(location) && isKeepable(name);
  if (!known || !parents.every(isKeepable) || !members.every(isKeepable)) {
    throw new LockstepError(
      'InvalidRecord',
      `${printable(location)}: its name or a reference holds a NUL or half a character`,
    );
  }
  for (const text of [reference, alias, ...parents]) requireShort(text, 'its name or a reference', location);
  for (const member of members) requireShort(member, 'the name of a member', location);
  for (const key in attributes) {
    if (isKeepable(key) && attributes[key]?.every(isKeepable) !== false) continue;
    throw new LockstepError(
      'InvalidRecord',
      `${printable(location)}: a value of ${printable(key)} holds a NUL or half a character`,
    );
  }
  return entry;
}
