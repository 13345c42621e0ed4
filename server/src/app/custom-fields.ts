import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import {
  deleteCustomFieldRow,
  findCustomField,
  insertCustomField,
  isValueTaken,
  lockUniqueField,
  selectCustomFields,
  updateCustomFieldState,
  type CustomFieldRow,
  type NewCustomFieldRow,
} from '../store/queries/custom-fields.ts';
import { ensureMatchAttribute } from '../store/sync/match-attributes.ts';
import { matchTexts } from '../sync/match-key.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';
import type { DirectoryWrite } from './directory-writes/directory-write.ts';

/** A declared attribute of users. */
export type CustomField = CustomFieldRow;

export async function listCustomFields(app: Application, actor: Actor): Promise<CustomField[]> {
  return selectCustomFields(app.store.db, actor.tenantId);
}

/** @throws LockstepError NotFound. */
export async function getCustomField(app: Application, actor: Actor, id: string): Promise<CustomField> {
  const field = await findCustomField(app.store.db, actor.tenantId, id);
  if (field === undefined)
    throw new LockstepError('NotFound', `there is no custom field ${JSON.stringify(id)}`);
  return field;
}

/** Declares an attribute; users that have values of it keep them. @throws LockstepError NameTaken. */
export async function createCustomField(
  app: Application,
  actor: Actor,
  field: Omit<NewCustomFieldRow, 'id'>,
): Promise<string> {
  requireRole(actor, 'administrator');
  const id = newId('customField', app.clock.now().getTime());
  if (field.unique) await ensureMatchAttribute(app.store, actor.tenantId, 'user', field.name);
  if (await insertCustomField(app.store.db, actor.tenantId, { ...field, id })) return id;
  throw new LockstepError('NameTaken', `there is a custom field ${field.name} already`, { field: 'name' });
}

export async function setCustomFieldState(
  app: Application,
  actor: Actor,
  id: string,
  enabled: boolean,
): Promise<void> {
  requireRole(actor, 'administrator');
  await getCustomField(app, actor, id);
  await updateCustomFieldState(app.store.db, id, enabled);
}

/** Takes the declaration away; values that users have of it stay. @throws LockstepError NotFound. */
export async function deleteCustomField(app: Application, actor: Actor, id: string): Promise<void> {
  requireRole(actor, 'administrator');
  await getCustomField(app, actor, id);
  await deleteCustomFieldRow(app.store.db, id);
}

/** The fields that are in use, inside a transaction. */
export async function selectEnabledFields(write: DirectoryWrite): Promise<CustomField[]> {
  return (await selectCustomFields(write.trx, write.tenantId)).filter(({ enabled }) => enabled);
}

function fits({ dataType, items }: CustomField, value: string): boolean {
  if (items.length > 0) return items.some((item) => item.value === value && item.status === 'enabled');
  if (dataType === 'number') return /^\d{1,32}(\.\d{1,31})?$/.test(value) && value.length <= 32;
  return dataType === 'string' || value === 'true' || value === 'false';
}

/**
 * Refuses values that their field does not allow, or that another user has where they must be unique.
 * @param userId the user who gets the values; undefined: one to be made
 * @throws LockstepError InvalidRequest, Conflict.
 */
export async function checkFieldValues(
  write: DirectoryWrite,
  field: CustomField,
  values: readonly string[],
  userId: string | undefined,
): Promise<void> {
  const invalid = values.find((value) => !fits(field, value));
  if (invalid !== undefined) {
    throw new LockstepError('InvalidRequest', `${field.name} cannot be ${JSON.stringify(invalid)}`, {
      field: 'CustomFields',
    });
  }
  if (field.required && values.length === 0)
    throw new LockstepError('InvalidRequest', `${field.name} is required`, { field: 'CustomFields' });
  if (!field.unique || values.length === 0) return;
  await lockUniqueField(write.trx, field.id);
  if (!(await isValueTaken(write.trx, write.tenantId, field.name, matchTexts(values), userId))) return;
  throw new LockstepError('Conflict', `another user has this value of ${field.name}`, {
    field: 'CustomFields',
  });
}
