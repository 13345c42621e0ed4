import { valuesOf } from '../directory/attributes.ts';
import type { Attributes } from '../directory/attributes.ts';
import { nameAttribute } from './image.ts';
import { matchKey, matchTexts } from './match-key.ts';

/** The normalised name (`$name`) and the match values of an object that has this name (null: unchanged) and these attributes. */
export function objectKeys(
  name: string | null,
  attributes: Attributes,
  matched: readonly string[],
): Record<string, readonly string[]> {
  const keys: Record<string, readonly string[]> = {};
  if (name !== null) keys[nameAttribute] = [matchKey(name)];
  for (const attribute of matched) {
    const values = valuesOf(attributes, attribute);
    if (values !== undefined) keys[attribute] = matchTexts(values);
  }
  return keys;
}
