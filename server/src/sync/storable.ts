import type { AttributeValue } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import type { ExternalObject } from './connector.ts';

/** Whether a text can be kept: no NUL, no half of a surrogate pair, not empty. */
export function isStorable(text: string): boolean {
  return text !== '' && text.isWellFormed() && !text.includes('\u0000');
}

function isKeepable(value: AttributeValue): boolean {
  return typeof value !== 'string' || value === '' || isStorable(value);
}

/** A text without what cannot be kept, to name a broken record by. */
function printable(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

/**
 * A record with a text that no store can keep fails alone, and names itself; it must not break the batch that it is in.
 * @throws LockstepError InvalidRecord
 */
export function requireStorable(entry: ExternalObject): ExternalObject {
  const { reference, alias = '', location, parents, name, attributes, members = [] } = entry;
  const texts = [reference, alias, location, name, ...parents, ...members];
  if (texts.every(isKeepable)) {
    const broken = Object.entries(attributes).find(
      ([key, values]) => !isKeepable(key) || !values.every(isKeepable),
    );
    if (broken === undefined) return entry;
    throw new LockstepError(
      'InvalidRecord',
      `${location}: a value of ${printable(broken[0])} holds a NUL or half a character`,
    );
  }
  throw new LockstepError(
    'InvalidRecord',
    `${printable(location)}: its name or a reference holds a NUL or half a character`,
  );
}
