import type { JsonObject } from '../json.ts';
import { defaultSelection, findRule } from '../odata/properties.ts';
import { valueOf } from '../odata/render.ts';
import { odataType, type DirectoryObject } from '../state/directory-object.ts';
import type { Tenant } from '../state/tenant.ts';
import type { DeltaRow, Reference } from './rows.ts';
import type { DeltaScope } from './tokens.ts';

/**
 * An object of a delta answer: `@removed` when it is gone, else its properties; those never set are left out.
 * `changedOnly` gives changed properties only, unless the object is new to the reader.
 */
export function renderRow(
  tenant: Tenant,
  scope: DeltaScope,
  row: DeltaRow,
  changedOnly: boolean,
): JsonObject {
  const object = tenant.findAny(row.id);
  if (!object) return { id: row.id, '@removed': { reason: 'deleted' } };
  if (object.deletedAt !== undefined) return { id: row.id, '@removed': { reason: 'changed' } };
  const only = changedOnly ? row.changed : undefined;
  return {
    ...propertiesOf(scope, object, only),
    id: row.id,
    ...(row.manager.length > 0 ? { 'manager@delta': row.manager.map(renderReference) } : {}),
    ...(row.members.length > 0 ? { 'members@delta': row.members.map(renderReference) } : {}),
  };
}

function propertiesOf(
  scope: DeltaScope,
  object: DirectoryObject,
  only: ReadonlySet<string> | undefined,
): JsonObject {
  const names = scope.select ?? defaultSelection(scope.type);
  const properties: Record<string, unknown> = {};
  for (const name of names) {
    if (!findRule(scope.type, name) || (only && !only.has(name))) continue;
    const value = valueOf(object, name);
    if (value !== undefined) properties[name] = value;
  }
  return properties;
}

function renderReference({ id, type, added }: Reference): JsonObject {
  const reference = { '@odata.type': odataType(type), id };
  return added ? reference : { ...reference, '@removed': { reason: 'deleted' } };
}
