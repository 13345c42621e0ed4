import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Attributes, JsonAttributes, JsonValue } from '../directory/attributes.ts';
import { attributesFromJson, attributesToJson } from '../directory/attributes.ts';
import type { DirectoryState } from './sync-store.ts';

/**
 * One object as one side holds it (or shall hold it), in the vocabulary of the target side of a sync:
 * directory attributes on ingress, the target's attributes on egress.
 */
export interface Image {
  /** Directory id of the organizational unit above it; null: right below the scope's node. */
  readonly parent: string | null;
  /** Ingress: user name, or name of unit or group. Egress: the name within its parent, as the target renders it. */
  readonly name: string;
  /** null: this side does not say. */
  readonly enabled: boolean | null;
  readonly attributes: Attributes;
}

/** Pseudo attributes under which before and after images record what is no attribute. */
export const parentAttribute = '$parent';
export const nameAttribute = '$name';
export const enabledAttribute = '$enabled';
/** Egress: the change sets a password; what it is is never recorded. */
export const passwordAttribute = '$password';

/** The image of a directory object. */
export function directoryImage(kind: ObjectKind, directory: DirectoryState): Image {
  return {
    parent: directory.parentId,
    name: directory.name,
    enabled: kind === 'user' ? directory.enabled : null,
    attributes: attributesFromJson(directory.attributes),
  };
}

/** The whole image as recorded in a change. The parent is recorded by id, the root as an empty text. */
export function imageToJson(image: Image): JsonAttributes {
  const json = attributesToJson(image.attributes);
  json[parentAttribute] = [image.parent ?? ''];
  json[nameAttribute] = [image.name];
  if (image.enabled !== null) json[enabledAttribute] = [String(image.enabled)];
  return json;
}

function pseudoText(values: readonly JsonValue[] | undefined): string | null {
  const value = values?.[0];
  return typeof value === 'string' ? value : null;
}

/** What a recorded image says of place, name and account state; absent where it says nothing. */
export function readPseudoAttributes(json: JsonAttributes): {
  parent: string | null | undefined;
  name: string | null;
  enabled: boolean | null;
} {
  const parent = pseudoText(json[parentAttribute]);
  const enabled = pseudoText(json[enabledAttribute]);
  return {
    parent: json[parentAttribute] === undefined ? undefined : parent || null,
    name: pseudoText(json[nameAttribute]),
    enabled: enabled === null ? null : enabled === 'true',
  };
}

/** The true attributes of a recorded image. */
export function withoutPseudoAttributes(json: JsonAttributes): JsonAttributes {
  const rest: JsonAttributes = {};
  for (const [name, values] of Object.entries(json)) if (!name.startsWith('$')) rest[name] = values;
  return rest;
}
