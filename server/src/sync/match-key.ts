import type { AttributeValue } from '../directory/attributes.ts';
import { isIndexable } from './storable.ts';

/** Compatibility form, lower case, without outer blanks: how match values, names and user names are compared. */
export function matchKey(text: string): string {
  return text.normalize('NFKC').trim().toLowerCase();
}

/** Normalised texts of values, for matching; bytes and texts that are too long to be looked up match nothing. */
export function matchTexts(values: readonly AttributeValue[]): string[] {
  const texts = new Set<string>();
  for (const value of values) {
    const key = typeof value === 'string' ? matchKey(value) : '';
    if (key !== '' && isIndexable(key)) texts.add(key);
  }
  return [...texts];
}
