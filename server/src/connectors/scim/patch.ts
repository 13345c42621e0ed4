import type { Json, JsonObject, ScimResource } from '../../scim/resource.ts';
import { patchOpUrn } from '../../scim/urns.ts';
import { mergeAttribute, overlay, piecesOf, type FlatValues, type Piece } from './compose.ts';
import type { ResourceShape } from './discovery.ts';
import { attributePath } from './notation.ts';
import type { Profile } from './profiles.ts';
import { findInResource } from './resource-values.ts';

type Operation = JsonObject & { readonly op: 'add' | 'replace' | 'remove' };

export function patchRequest(operations: readonly JsonObject[]): JsonObject {
  return { schemas: [patchOpUrn], Operations: operations };
}

/** Whether a PATCH of these values can only be made from what the resource holds now: lists are replaced whole. */
export function needsResource(set: FlatValues, shape: ResourceShape | undefined): boolean {
  return [...piecesOf(set, shape).values()].some((pieces) =>
    pieces.some(({ definition }) => definition.isList),
  );
}

/** How a PATCH is made. */
export interface PatchForm {
  readonly shape: ResourceShape | undefined;
  readonly profile: Profile;
  /** Attributes with parts are replaced whole too: some services find no target in an attribute that is not set. */
  readonly wholes?: boolean;
}

/**
 * Operations that put the values into a resource (RFC 7644 section 3.5.2). Of a list the whole is replaced: services
 * agree on that, and not on what a filter in a path does when nothing fits it.
 */
export function patchOperations(
  set: FlatValues,
  active: boolean | undefined,
  current: ScimResource | undefined,
  { shape, profile, wholes = false }: PatchForm,
): Operation[] {
  const removed: Operation[] = [];
  const replaced: Operation[] = [];
  for (const pieces of piecesOf(set, shape).values()) {
    const whole = wholes || pieces[0]?.definition.isList === true;
    for (const part of whole ? [pieces] : pieces.map((piece) => [piece])) {
      const [path, value] = operand(part, current, whole);
      if (value === undefined) removed.push({ op: 'remove', path });
      else replaced.push({ op: 'replace', path, value });
    }
  }
  if (active !== undefined) replaced.push({ op: 'replace', path: 'active', value: active });
  if (profile.patchForm === 'paths') return [...removed, ...replaced];
  return [...removed, ...asObject(set, active, current, shape, replaced)];
}

/** Path and value of one operation; no value: the path is removed. */
function operand(
  pieces: readonly Piece[],
  current: ScimResource | undefined,
  whole: boolean,
): [path: string, value: Json | undefined] {
  const [first] = pieces;
  if (first === undefined) return ['', undefined];
  const { notation, subAttribute, values } = first;
  const path = attributePath(notation);
  if (whole) {
    const before = current === undefined ? undefined : findInResource(current, notation);
    return [path, mergeAttribute(before, pieces)];
  }
  return [subAttribute === undefined ? path : `${path}.${subAttribute}`, values[0]];
}

/** The same values in one operation without a path. */
function asObject(
  set: FlatValues,
  active: boolean | undefined,
  current: ScimResource | undefined,
  shape: ResourceShape | undefined,
  replaced: readonly Operation[],
): Operation[] {
  if (replaced.length === 0) return [];
  const lists = current === undefined ? {} : listsOf(current, set, shape);
  const { schemas: _, ...value } = overlay(lists, set, shape);
  return [{ op: 'replace', value: active === undefined ? value : { ...value, active } }];
}

/** What the resource holds of the lists that are to be replaced. */
function listsOf(current: ScimResource, set: FlatValues, shape: ResourceShape | undefined): JsonObject {
  const lists: Record<string, Json> = {};
  for (const [piece] of piecesOf(set, shape).values()) {
    if (piece === undefined || !piece.definition.isList || piece.notation.extension !== undefined) continue;
    const value = findInResource(current, piece.notation);
    if (value !== undefined) lists[piece.notation.attribute] = value;
  }
  return lists;
}
