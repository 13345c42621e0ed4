import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import { attributesFromJson, attributesToJson, type JsonAttributes } from '../directory/attributes.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import { compileMapping } from '../mapping/compile.ts';
import { overlayMapping } from '../mapping/configured.ts';
import { parseRuleSet } from '../mapping/rule-set.ts';
import {
  deletePropertyMappingRow,
  findPropertyMapping,
  putPropertyMapping,
  selectMappingsOfSyncs,
  selectPropertyMappings,
  selectSyncsOfMapping,
  type PropertyMappingRow,
} from '../store/queries/property-mappings.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor, Transaction } from './application.ts';
import { mapSyncByPropertyMappings } from './sync-property-mappings.ts';
import { getSyncRow } from './syncs.ts';

/** Rules of several target attributes under one name, which syncs share. */
export type PropertyMapping = PropertyMappingRow;

/** What a mapping shall be. */
export type PropertyMappingContent = Pick<PropertyMappingRow, 'name' | 'expression' | 'managed'>;

/** All of the tenant, by name; one type's when it is named. */
export async function listPropertyMappings(
  app: Application,
  actor: Actor,
  connectionType?: string,
): Promise<PropertyMapping[]> {
  const rows = await selectPropertyMappings(app.store.db, actor.tenantId);
  return rows.filter((row) => connectionType === undefined || row.connectionType === connectionType);
}

async function getInside(executor: Executor, actor: Actor, id: string): Promise<PropertyMapping> {
  const row = await findPropertyMapping(executor, actor.tenantId, id);
  if (row === undefined) throw new LockstepError('NotFound', `there is no property mapping ${id}`);
  return row;
}

/** @throws LockstepError NotFound. */
export async function getPropertyMapping(
  app: Application,
  actor: Actor,
  id: string,
): Promise<PropertyMapping> {
  return getInside(app.store.db, actor, id);
}

/** Ids of the syncs that use a mapping. @throws LockstepError NotFound. */
export async function listSyncsOfMapping(app: Application, actor: Actor, id: string): Promise<string[]> {
  await getPropertyMapping(app, actor, id);
  return selectSyncsOfMapping(app.store.db, id);
}

/** @throws LockstepError NameTaken that names the member which another mapping has. */
async function refuseTaken(trx: Executor, row: PropertyMappingRow): Promise<void> {
  const others = (await selectPropertyMappings(trx, row.tenantId)).filter(({ id }) => id !== row.id);
  for (const field of ['name', 'managed'] as const) {
    if (row[field] === null || !others.some((other) => other[field] === row[field])) continue;
    throw new LockstepError('NameTaken', `another property mapping has this ${field}`, { field });
  }
}

/** The syncs that use a mapping map by what it says now. */
async function remapSyncs(
  app: Application,
  trx: Transaction,
  actor: Actor,
  ids: readonly string[],
): Promise<void> {
  const rows = await selectMappingsOfSyncs(trx, ids);
  for (const id of ids) {
    const own = rows.filter(({ syncId }) => syncId === id);
    await mapSyncByPropertyMappings(app, trx, actor, await getSyncRow(trx, actor, id), own);
  }
}

/**
 * Creates a mapping for connections of a type, or changes the one with this id and all syncs that use it.
 * @throws LockstepError NotFound; NameTaken; InvalidExpression.
 */
export async function savePropertyMapping(
  app: Application,
  actor: Actor,
  of: { readonly id: string } | { readonly connectionType: string },
  content: PropertyMappingContent,
): Promise<PropertyMapping> {
  requireRole(actor, 'administrator');
  parseRuleSet(content.expression, 'expression');
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const kept =
      'id' in of
        ? await getInside(trx, actor, of.id)
        : { id: newId('propertyMapping', app.clock.now().getTime()), connectionType: of.connectionType };
    const { name, expression, managed } = content;
    const { id, connectionType } = kept;
    const row = { id, connectionType, tenantId: actor.tenantId, name, expression, managed };
    await refuseTaken(trx, row);
    await putPropertyMapping(trx, row);
    if ('id' in of) await remapSyncs(app, trx, actor, await selectSyncsOfMapping(trx, of.id));
    return row;
  });
}

/** Deletes a mapping; syncs that used it map without it. @throws LockstepError NotFound. */
export async function deletePropertyMapping(app: Application, actor: Actor, id: string): Promise<void> {
  requireRole(actor, 'administrator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await getInside(trx, actor, id);
    const syncs = await selectSyncsOfMapping(trx, id);
    await deletePropertyMappingRow(trx, id);
    await remapSyncs(app, trx, actor, syncs);
  });
}

/**
 * What a mapping makes of attributes of the directory.
 * @throws LockstepError InvalidExpression when it fails for these.
 */
export function tryPropertyMapping(mapping: PropertyMapping, attributes: JsonAttributeMap): JsonAttributes {
  const none = { user: {}, organizationalUnit: {}, group: {} };
  const rules = parseRuleSet(mapping.expression, 'expression');
  const compiled = compileMapping(overlayMapping(none, { user: rules }));
  return attributesToJson(compiled.user(attributesFromJson(attributes)));
}
