import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { attributesFromJson } from '../directory/attributes.ts';
import type { Attributes, JsonAttributes } from '../directory/attributes.ts';
import { namingAttribute } from './contributions.ts';

/** Under this name mappings of an egress read the id of the directory object. */
export const objectIdAttribute = '$id';

/** What every object has for a mapping to read. */
export const givenAttributes = (kind: ObjectKind): readonly string[] => [
  namingAttribute[kind],
  objectIdAttribute,
];

/**
 * The attributes of a directory object as mappings of an egress read them. Its name is one of them, whoever gave it:
 * an object that no ingress sync feeds has it nowhere else. It comes first; further names follow.
 */
export function egressSource(
  kind: ObjectKind,
  objectId: string,
  directory: { readonly name: string; readonly attributes: JsonAttributes },
): Attributes {
  const source = attributesFromJson(directory.attributes);
  const naming = namingAttribute[kind];
  source[naming] = [directory.name, ...(source[naming] ?? []).filter((name) => name !== directory.name)];
  source[objectIdAttribute] = [objectId];
  return source;
}
