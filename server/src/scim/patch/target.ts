import { LockstepError } from '../../kernel/errors.ts';
import type { ResolvedFilter } from '../filter/resolved.ts';
import { resolveValueFilter } from '../filter/resolve.ts';
import { parsePatchPath } from '../path/parse.ts';
import type { ScimProfile } from '../profile.ts';
import { findAttribute, type ScimAttribute, type ScimSchema } from '../schema/attribute.ts';
import { findExtension, findModelAttribute, type ResourceModel } from '../schema/model.ts';
import { sameName } from '../schema/normalize-value.ts';

/** An attribute that an operation of a PATCH is about. */
export interface AttributeTarget {
  readonly kind: 'attribute';
  /** URN of the extension that holds it; undefined in the core. */
  readonly extension: string | undefined;
  readonly attribute: ScimAttribute;
  readonly filter: ResolvedFilter | undefined;
  readonly subAttribute: ScimAttribute | undefined;
  /** As it was written, for messages. */
  readonly written: string;
}

export type PatchTarget =
  | AttributeTarget
  | { readonly kind: 'extension'; readonly schema: ScimSchema }
  /** The URN of the core schema as a path: the resource itself. */
  | { readonly kind: 'resource' };

/**
 * What a path means in a model; undefined for an attribute that the model does not have.
 * @throws {LockstepError} InvalidPath for one that is malformed, or filters where there is nothing to select.
 */
export function findPatchTarget(
  path: string,
  model: ResourceModel,
  profile: ScimProfile,
): PatchTarget | undefined {
  if (sameName(path, model.core.id)) return { kind: 'resource' };
  const schema = findExtension(model, path);
  if (schema !== undefined) return { kind: 'extension', schema };
  const parsed = parsePatchPath(path, { profile });
  const located = findModelAttribute(model, parsed.path.schema, parsed.path.name);
  if (located === undefined) return undefined;
  const { attribute } = located;
  const subAttribute =
    parsed.subAttribute === undefined
      ? undefined
      : findAttribute(attribute.subAttributes, parsed.subAttribute);
  if (parsed.subAttribute !== undefined && subAttribute === undefined) return undefined;
  if (parsed.filter !== undefined && !attribute.multiValued) {
    throw new LockstepError(
      'InvalidPath',
      `"${attribute.name}" has one value: brackets select nothing in it.`,
      {
        field: path,
      },
    );
  }
  const filter = parsed.filter && resolveInPath(parsed.filter, attribute, profile, path);
  return { kind: 'attribute', ...located, filter, subAttribute, written: path };
}

function resolveInPath(
  filter: Parameters<typeof resolveValueFilter>[0],
  attribute: ScimAttribute,
  profile: ScimProfile,
  path: string,
): ResolvedFilter {
  try {
    return resolveValueFilter(filter, attribute, { profile });
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    throw new LockstepError('InvalidPath', error.message, { field: path, cause: error });
  }
}
