import type { AttributePath } from '../filter/ast.ts';
import type { ResolvedPath } from '../filter/resolved.ts';
import { findAttribute } from '../schema/attribute.ts';
import { findModelAttribute, type ResourceModel } from '../schema/model.ts';

/** Looks an attribute path up in a model; undefined where the model has no such attribute. */
export function findResolvedPath(path: AttributePath, model: ResourceModel): ResolvedPath | undefined {
  const located = findModelAttribute(model, path.schema, path.name);
  if (located === undefined) return undefined;
  if (path.subAttribute === undefined) return { ...located, subAttribute: undefined };
  const subAttribute = findAttribute(located.attribute.subAttributes, path.subAttribute);
  return subAttribute && { ...located, subAttribute };
}
