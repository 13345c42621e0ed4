import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { DirectoryRow } from '../../store/queries/directory.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import { checkFieldValues, selectEnabledFields, type CustomField } from '../custom-fields.ts';
import { lockForWrite, writeDirectory, type DirectoryWrite } from './directory-write.ts';
import { keepPassword } from '../pending-passwords.ts';
import { addUser, amendUser, type NewUser, type UserChange } from './users.ts';

/** What becomes of a user's values of a declared attribute. */
export interface FieldChange {
  readonly name: string;
  readonly values: readonly string[];
  readonly operation: 'add' | 'replace' | 'remove';
}

function textsOf(attributes: JsonAttributeMap, name: string): string[] {
  return (attributes[name] ?? []).filter((value) => typeof value === 'string');
}

/** A check box takes several values, other fields one: adding to these is replacing. */
function applyChange(field: CustomField, before: readonly string[], change: FieldChange): string[] {
  const { operation, values } = change;
  if (operation === 'remove') {
    return values.length === 0 ? [] : before.filter((value) => !values.includes(value));
  }
  const kept = operation === 'add' && field.displayType === 'checkbox' ? before : [];
  return [...new Set([...kept, ...values])];
}

function unknownField(name: string): LockstepError {
  return new LockstepError('InvalidRequest', `there is no custom field ${JSON.stringify(name)} in use`, {
    field: 'CustomFields',
  });
}

/** The attributes that changes of declared attributes come to; those of a new user have their defaults. */
async function fieldAttributes(
  write: DirectoryWrite,
  user: Pick<DirectoryRow, 'id' | 'attributes'> | undefined,
  changes: readonly FieldChange[],
): Promise<JsonAttributeMap> {
  if (user !== undefined && changes.length === 0) return {};
  const fields = await selectEnabledFields(write);
  const unknown = changes.find(({ name }) => !fields.some((field) => field.name === name));
  if (unknown !== undefined) throw unknownField(unknown.name);
  const attributes: JsonAttributeMap = {};
  for (const field of fields) {
    const own = changes.filter(({ name }) => name === field.name);
    if (own.length === 0 && user !== undefined) continue;
    const missing = field.defaultValue === null ? [] : [field.defaultValue];
    const before = user === undefined ? [] : textsOf(user.attributes, field.name);
    const values =
      own.length === 0 ? missing : own.reduce((last, change) => applyChange(field, last, change), before);
    await checkFieldValues(write, field, values, user?.id);
    attributes[field.name] = values;
  }
  return attributes;
}

/**
 * Makes a user with values of declared attributes, and a password for the systems that one is written to.
 * @returns the id
 * @throws as createUser; InvalidRequest, Conflict.
 */
export async function createUserWithFields(
  app: Application,
  actor: Actor,
  user: NewUser,
  fields: readonly FieldChange[],
  password?: string,
): Promise<string> {
  return writeDirectory(app, actor, async (write) => {
    const declared = await fieldAttributes(write, undefined, fields);
    const id = await addUser(write, { ...user, attributes: { ...user.attributes, ...declared } });
    if (password !== undefined) await keepPassword(app, write, id, password);
    return id;
  });
}

/** Changes a user and values of declared attributes. @throws as updateUser; InvalidRequest, Conflict. */
export async function updateUserWithFields(
  app: Application,
  actor: Actor,
  id: string,
  change: UserChange,
  fields: readonly FieldChange[],
): Promise<void> {
  await writeDirectory(app, actor, async (write) => {
    const user = await lockForWrite(write, 'user', id);
    const declared = await fieldAttributes(write, user, fields);
    await amendUser(write, id, { ...change, attributes: { ...change.attributes, ...declared } });
  });
}
