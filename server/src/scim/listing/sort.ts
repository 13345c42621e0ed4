import { LockstepError } from '../../kernel/errors.ts';
import { elementOf } from '../filter/matches.ts';
import type { ResolvedPath } from '../filter/resolved.ts';
import { findAttributePath } from '../path/attribute-path.ts';
import { findResolvedPath } from '../path/resolve.ts';
import {
  foldCase,
  isJsonList,
  isJsonObject,
  type Json,
  readAttribute,
  type ScimResource,
} from '../resource.ts';
import { findAttribute } from '../schema/attribute.ts';
import { findInstant } from '../schema/date-time.ts';
import type { ResourceModel } from '../schema/model.ts';
import { isPrimary } from '../schema/multi-value.ts';

/** An order of resources (RFC 7644 section 3.4.2.3). The attribute compared is never complex. */
export interface ResolvedSort {
  readonly path: ResolvedPath;
  readonly descending: boolean;
}

/** @throws {LockstepError} InvalidPath for an attribute that the model does not have, or that has no order */
export function resolveSort(
  sortBy: string,
  sortOrder: 'ascending' | 'descending',
  model: ResourceModel,
): ResolvedSort {
  const written = findAttributePath(sortBy);
  const path = written && findResolvedPath(written, model);
  if (path === undefined) {
    throw new LockstepError('InvalidPath', `${model.type.name} has no attribute "${sortBy}".`, {
      field: 'sortBy',
    });
  }
  const descending = sortOrder === 'descending';
  if ((path.subAttribute ?? path.attribute).type !== 'complex') return { path, descending };
  const subAttribute = findAttribute(path.attribute.subAttributes, 'value');
  if (subAttribute !== undefined) return { path: { ...path, subAttribute }, descending };
  throw new LockstepError('InvalidPath', `"${sortBy}" is complex: sort by one of its sub-attributes.`, {
    field: 'sortBy',
  });
}

/** What a resource is sorted by: of several values the primary one, else the first. Undefined sorts last, ascending. */
export function sortKey(
  resource: ScimResource,
  { path }: ResolvedSort,
): string | number | boolean | undefined {
  const { extension, attribute, subAttribute } = path;
  const container = extension === undefined ? resource : readAttribute(resource, extension);
  const held = isJsonObject(container) ? readAttribute(container, attribute.name) : undefined;
  const value = isJsonList(held) ? (held.find(isPrimary) ?? held[0]) : held;
  const scalar: Json | undefined =
    subAttribute === undefined || value === undefined
      ? value
      : readAttribute(elementOf(value), subAttribute.name);
  if (scalar === undefined || scalar === null || typeof scalar === 'object') return undefined;
  const { type, caseExact } = subAttribute ?? attribute;
  if (type === 'dateTime') return findInstant(String(scalar));
  return typeof scalar === 'string' && !caseExact ? foldCase(scalar) : scalar;
}

/** The resources in order; equal ones as they came. */
export function sortResources(resources: readonly ScimResource[], sort: ResolvedSort): ScimResource[] {
  const keyed = resources.map((resource) => ({ resource, key: sortKey(resource, sort) }));
  const sign = sort.descending ? -1 : 1;
  keyed.sort((left, right) => sign * compareKeys(left.key, right.key));
  return keyed.map(({ resource }) => resource);
}

type Key = ReturnType<typeof sortKey>;

function compareKeys(left: Key, right: Key): number {
  if (left === right) return 0;
  if (left === undefined || right === undefined) return left === undefined ? 1 : -1;
  return left < right ? -1 : 1;
}
