import { listCustomFields } from '../../../../app/custom-fields.ts';
import {
  getFoundObject,
  getTenant,
  searchDirectory,
  searchGroupsOf,
  type DirectorySearch,
} from '../../../../app/directory-search.ts';
import { getDirectoryObject } from '../../../../app/directory.ts';
import { deleteUser, deleteUsers, updateUser } from '../../../../app/directory-writes/users.ts';
import {
  createUserWithFields,
  updateUserWithFields,
  type FieldChange,
} from '../../../../app/directory-writes/user-fields.ts';
import { given, ownSourceType, ownUnitId, setText, shownUnitId } from '../directory-views.ts';
import { EiamError, invalidParameter, missingParameter } from '../errors.ts';
import { namingUnits } from '../named-units.ts';
import {
  clientToken,
  instanceId,
  operation,
  resourceId,
  type Operation,
  type OperationCall,
} from '../operation.ts';
import { pageParameters, readTokenOrPage, renderToken, tokenParameters } from '../paging.ts';
import { parseFieldValue, renderFields, renderUser } from '../user-view.ts';

/** Most groups and units that the answer of GetUser names. */
const mostShown = 1000;

const username = { type: 'string', maxLength: 256, pattern: /^[\w.@-]*$/ } as const;
const email = { type: 'string', maxLength: 128, pattern: /^([\w.-]+@[^\s@]+)?$/ } as const;
const phoneNumber = { type: 'string', pattern: /^(\d{6,15})?$/ } as const;
const phoneRegion = { type: 'string', pattern: /^(\d{1,6})?$/ } as const;
const text = (maxLength: number) => ({ type: 'string', maxLength }) as const;
const ids = { type: 'array', items: { type: 'string', maxLength: 64 }, maxItems: 100 } as const;

const contact = {
  Email: email,
  EmailVerified: { type: 'boolean' },
  PhoneNumber: phoneNumber,
  PhoneNumberVerified: { type: 'boolean' },
  PhoneRegion: phoneRegion,
} as const;

interface Contact {
  readonly Email?: string | undefined;
  readonly EmailVerified?: boolean | undefined;
  readonly PhoneNumber?: string | undefined;
  readonly PhoneNumberVerified?: boolean | undefined;
  readonly PhoneRegion?: string | undefined;
}

/** Whether an address or number is trusted must be said together with it. */
function contactAttributes(of: Contact): Record<string, string[]> {
  const [mail, phone] = [given(of.Email), given(of.PhoneNumber)];
  if (mail !== undefined && of.EmailVerified === undefined) throw missingParameter('EmailVerified');
  if (phone !== undefined && of.PhoneNumberVerified === undefined)
    throw missingParameter('PhoneNumberVerified');
  return {
    ...setText('mail', mail),
    ...setText('mailVerified', of.EmailVerified?.toString()),
    ...setText('phoneNumber', phone),
    ...setText('phoneNumberVerified', of.PhoneNumberVerified?.toString()),
    ...setText('phoneRegion', given(of.PhoneRegion)),
  };
}

interface GivenField {
  readonly FieldName?: string | undefined;
  readonly FieldValue?: string | undefined;
  readonly Operation?: 'add' | 'replace' | 'remove' | undefined;
}

async function readFields(
  { app, actor }: OperationCall<unknown>,
  fields: readonly GivenField[] | undefined,
): Promise<FieldChange[]> {
  if (fields === undefined || fields.length === 0) return [];
  const known = await listCustomFields(app, actor);
  return fields.map(({ FieldName = '', FieldValue = '', Operation = 'replace' }) => ({
    name: FieldName,
    values: parseFieldValue(
      FieldValue,
      known.find(({ name }) => name === FieldName),
    ),
    operation: Operation,
  }));
}

const noPasswords = 'No password is kept here, so that none can be set.';

const createUser = operation({
  name: 'CreateUser',
  level: 'create',
  role: 'operator',
  subject: 'User',
  parameters: {
    InstanceId: instanceId,
    ClientToken: clientToken,
    Username: { ...username, required: true },
    PrimaryOrganizationalUnitId: resourceId,
    OrganizationalUnitIds: ids,
    DisplayName: text(128),
    Description: text(256),
    UserExternalId: text(128),
    ...contact,
    CustomFields: {
      type: 'array',
      items: { type: 'object', fields: { FieldName: text(40), FieldValue: text(4096) } },
    },
    Password: text(256),
    PasswordInitializationConfig: {
      type: 'object',
      fields: {
        PasswordForcedUpdateStatus: { type: 'string', values: ['enabled', 'disabled'] },
        PasswordInitializationPolicyPriority: { type: 'string', values: ['global', 'custom'] },
        PasswordInitializationType: { type: 'string', values: ['random'] },
        UserNotificationChannels: { type: 'array', items: { type: 'string' } },
      },
    },
  },
  resource: ({ InstanceId }) => `instance/${InstanceId}/user/*`,
  deviations: [
    'keeps no passwords: refuses Password, and PasswordInitializationConfig with the priority custom',
    'custom fields of the display type checkbox take several values, divided by commas',
  ],
  handler: async (call) => {
    const { app, actor, parameters } = call;
    if (given(parameters.Password) !== undefined) throw invalidParameter('Password', noPasswords);
    if (parameters.PasswordInitializationConfig?.PasswordInitializationPolicyPriority === 'custom')
      throw invalidParameter('PasswordInitializationConfig', noPasswords);
    const tenant = await getTenant(app, actor);
    const user = {
      username: parameters.Username,
      parentId: ownUnitId(tenant, parameters.PrimaryOrganizationalUnitId),
      organizationalUnits: furtherUnits(
        parameters.OrganizationalUnitIds,
        tenant.rootId,
        parameters.PrimaryOrganizationalUnitId,
      ),
      attributes: {
        ...setText('displayName', given(parameters.DisplayName)),
        ...setText('description', given(parameters.Description)),
        ...setText('externalId', given(parameters.UserExternalId)),
        ...contactAttributes(parameters),
      },
    };
    const fields = await readFields(call, parameters.CustomFields);
    return { UserId: await namingUnits(createUserWithFields(app, actor, user, fields)) };
  },
});

/** The root has members by their primary unit only. */
function furtherUnits(
  unitIds: readonly string[] | undefined,
  rootId: string,
  primary: string | undefined,
): string[] {
  const further = (unitIds ?? []).filter((id) => id !== primary);
  if (!further.includes(rootId)) return further;
  throw invalidParameter(
    'OrganizationalUnitIds',
    'The root organizational unit can only be the primary one of a user.',
  );
}

const getUser = operation({
  name: 'GetUser',
  level: 'get',
  subject: 'User',
  parameters: { InstanceId: instanceId, UserId: resourceId },
  resource: ({ InstanceId, UserId }) => `instance/${InstanceId}/user/${UserId}`,
  handler: async ({ app, actor, parameters: { UserId } }) => {
    const found = await getFoundObject(app, actor, 'user', UserId);
    const tenant = await getTenant(app, actor);
    const { organizationalUnits } = await getDirectoryObject(app, actor, 'user', found.id);
    const unitIds = [...organizationalUnits, ...(found.parentId === null ? [] : [found.parentId])];
    const page = { limit: mostShown };
    const units = await searchDirectory(app, actor, 'organizationalUnit', { ids: unitIds }, page);
    const root = { id: tenant.rootId, name: tenant.name };
    const groups = await searchGroupsOf(app, actor, found.id, page);
    return {
      User: {
        ...renderUser(found, actor.tenantId),
        PreferredLanguage: found.attributes['preferredLanguage']?.[0],
        PrimaryOrganizationalUnitId: shownUnitId(tenant, found.parentId),
        OrganizationalUnits: (found.parentId === null ? [root, ...units.items] : units.items).map(
          ({ id, name }) => ({
            OrganizationalUnitId: id,
            OrganizationalUnitName: name,
            Primary: id === shownUnitId(tenant, found.parentId),
          }),
        ),
        Groups: groups.items.map(({ id, name, description }) => ({
          GroupId: id,
          GroupName: name,
          Description: description ?? undefined,
        })),
        CustomFields: renderFields(found.attributes, await listCustomFields(app, actor)),
      },
    };
  },
});

const listUsers = operation({
  name: 'ListUsers',
  level: 'list',
  subject: 'User',
  parameters: {
    InstanceId: instanceId,
    ...pageParameters,
    ...tokenParameters,
    OrganizationalUnitId: { type: 'string', maxLength: 64 },
    UserIds: ids,
    Status: { type: 'string', values: ['enabled', 'disabled'] },
    UsernameStartsWith: text(256),
    DisplayNameStartsWith: text(256),
    Email: text(256),
    PhoneNumber: text(64),
    PhoneRegion: text(64),
    UserExternalId: text(1024),
    UserSourceType: text(64),
    UserSourceId: text(64),
  },
  resource: ({ InstanceId }) => `instance/${InstanceId}/user/*`,
  deviations: [
    'UserSourceType of users from other systems is the type of the connection, as scim or entra_id',
  ],
  handler: async ({ app, actor, parameters }) => {
    const tenant = await getTenant(app, actor);
    const unit = given(parameters.OrganizationalUnitId);
    const sourceType = given(parameters.UserSourceType);
    const sourceId = given(parameters.UserSourceId);
    const texts = Object.entries({
      mail: given(parameters.Email),
      phoneNumber: given(parameters.PhoneNumber),
      phoneRegion: given(parameters.PhoneRegion),
    }).filter((entry): entry is [string, string] => entry[1] !== undefined);
    const displayName = given(parameters.DisplayNameStartsWith);
    const ownOnly = sourceType === ownSourceType || sourceId === actor.tenantId;
    const search: DirectorySearch = {
      ids: parameters.UserIds,
      nameStartsWith: given(parameters.UsernameStartsWith),
      unitId: unit === undefined ? undefined : ownUnitId(tenant, unit),
      enabled: parameters.Status === undefined ? undefined : parameters.Status === 'enabled',
      texts: Object.fromEntries(texts),
      textPrefixes: displayName === undefined ? {} : { displayName },
      externalId: given(parameters.UserExternalId),
      originType: ownOnly ? null : sourceType,
      originId: sourceId === actor.tenantId ? undefined : sourceId,
    };
    const { byToken, ...page } = readTokenOrPage(parameters);
    const { items, total } = await searchDirectory(app, actor, 'user', search, {
      ...page,
      limit: page.limit + 1,
    });
    const shown = items.slice(0, page.limit);
    const last = byToken && items.length > page.limit ? shown.at(-1) : undefined;
    return {
      Users: shown.map((user) => renderUser(user, actor.tenantId)),
      TotalCount: total,
      MaxResults: byToken ? page.limit : undefined,
      NextToken: last && renderToken('NT', last.id),
    };
  },
});

const oneUser = { InstanceId: instanceId, UserId: resourceId } as const;
const resourceOfUser = ({ InstanceId, UserId }: { InstanceId: string; UserId: string }): string =>
  `instance/${InstanceId}/user/${UserId}`;
const aboutUser = { role: 'operator', subject: 'User', resource: resourceOfUser } as const;

const changeUser = operation({
  ...aboutUser,
  name: 'UpdateUser',
  level: 'update',
  parameters: {
    ...oneUser,
    Username: username,
    DisplayName: text(256),
    ...contact,
    CustomFields: {
      type: 'array',
      items: {
        type: 'object',
        fields: {
          FieldName: text(40),
          FieldValue: text(4096),
          Operation: { type: 'string', values: ['add', 'replace', 'remove'] },
        },
      },
    },
  },
  handler: async (call) => {
    const { app, actor, parameters } = call;
    if (given(parameters.PhoneNumber) !== undefined && given(parameters.PhoneRegion) === undefined)
      throw missingParameter('PhoneRegion');
    const change = {
      username: given(parameters.Username),
      attributes: {
        ...setText('displayName', given(parameters.DisplayName)),
        ...contactAttributes(parameters),
      },
    };
    const fields = await readFields(call, parameters.CustomFields);
    await updateUserWithFields(app, actor, parameters.UserId, change, fields);
    return {};
  },
});

const updateUserDescription = operation({
  ...aboutUser,
  name: 'UpdateUserDescription',
  level: 'update',
  parameters: { ...oneUser, Description: text(256) },
  handler: async ({ app, actor, parameters }) => {
    const attributes = setText('description', parameters.Description ?? '');
    await updateUser(app, actor, parameters.UserId, { attributes });
    return {};
  },
});

const deleteOneUser = operation({
  ...aboutUser,
  name: 'DeleteUser',
  level: 'delete',
  parameters: oneUser,
  handler: async ({ app, actor, parameters }) => {
    await deleteUser(app, actor, parameters.UserId);
    return {};
  },
});

const deleteManyUsers = operation({
  name: 'DeleteUsers',
  level: 'delete',
  role: 'operator',
  subject: 'User',
  parameters: { InstanceId: instanceId, UserIds: { ...ids, required: true } },
  resource: ({ InstanceId }) => `instance/${InstanceId}/user/*`,
  deviations: ['deletes all of the users or, where one does not exist, none'],
  handler: async ({ app, actor, parameters }) => {
    await deleteUsers(app, actor, parameters.UserIds);
    return {};
  },
});

function accountState(name: 'EnableUser' | 'DisableUser', enabled: boolean): Operation {
  return operation({
    ...aboutUser,
    name,
    level: 'update',
    parameters: oneUser,
    handler: async ({ app, actor, parameters }) => {
      await updateUser(app, actor, parameters.UserId, { enabled });
      return {};
    },
  });
}

const unlockUser = operation({
  ...aboutUser,
  name: 'UnlockUser',
  level: 'update',
  parameters: oneUser,
  deviations: [
    'nobody signs in here, so no account is ever locked: the user must exist, and nothing changes',
  ],
  handler: async ({ app, actor, parameters }) => {
    await getFoundObject(app, actor, 'user', parameters.UserId);
    return {};
  },
});

const updateUserPassword = operation({
  ...aboutUser,
  name: 'UpdateUserPassword',
  level: 'update',
  parameters: {
    ...oneUser,
    Password: { type: 'string', required: true, maxLength: 256 },
    PasswordForcedUpdateStatus: { type: 'string', values: ['enabled', 'disabled'] },
    UserNotificationChannels: { type: 'array', items: { type: 'string' } },
  },
  deviations: [
    'keeps no passwords: always answers OperationDenied.PasswordUnsupported for a user that exists',
  ],
  handler: async ({ app, actor, parameters }) => {
    await getFoundObject(app, actor, 'user', parameters.UserId);
    throw new EiamError(409, 'OperationDenied.PasswordUnsupported', noPasswords);
  },
});

export const userOperations: readonly Operation[] = [
  createUser,
  getUser,
  listUsers,
  changeUser,
  updateUserDescription,
  deleteOneUser,
  deleteManyUsers,
  accountState('EnableUser', true),
  accountState('DisableUser', false),
  unlockUser,
  updateUserPassword,
];
