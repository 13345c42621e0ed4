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
  const known = isKeepable(reference) && isKeepable(alias) && isKeepable(location) && isKeepable(name);
  if (!known || !parents.every(isKeepable) || !members.every(isKeepable)) {
    throw new LockstepError(
      'InvalidRecord',
      `${printable(location)}: its name or a reference holds a NUL or half a character`,
    );
  }
  for (const key in attributes) {
    if (isKeepable(key) && attributes[key]?.every(isKeepable) !== false) continue;
    throw new LockstepError(
      'InvalidRecord',
      `${location}: a value of ${printable(key)} holds a NUL or half a character`,
    );
  }
  return entry;
}
