import { getTenant } from '../../../../app/directory-search.ts';
import { deleteUser, deleteUsers, updateUser } from '../../../../app/directory-writes/users.ts';
import { createUserWithFields, updateUserWithFields } from '../../../../app/directory-writes/user-fields.ts';
import { given, ownUnitId, setText } from '../directory-views.ts';
import { invalidParameter, missingParameter } from '../errors.ts';
import { namingUnits } from '../named-units.ts';
import { clientToken, instanceId, operation, resourceId, type Operation } from '../operation.ts';
import {
  aboutUser,
  contact,
  contactAttributes,
  ids,
  passwordDeviation,
  oneUser,
  readFields,
  text,
  username,
} from '../user-parameters.ts';

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
    passwordDeviation,
    'Password is no part of what a request is compared by that comes again with its ClientToken',
    'refuses PasswordInitializationConfig with the priority custom: no passwords are made up',
    'UserExternalId may be that of another user',
    'custom fields of the display type checkbox take several values, divided by commas',
  ],
  handler: async (call) => {
    const { app, actor, parameters } = call;
    if (parameters.PasswordInitializationConfig?.PasswordInitializationPolicyPriority === 'custom')
      throw invalidParameter('PasswordInitializationConfig', 'No passwords are made up here.');
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
    const password = given(parameters.Password);
    return { UserId: await namingUnits(createUserWithFields(app, actor, user, fields, password)) };
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

export const userOperations: readonly Operation[] = [
  createUser,
  changeUser,
  updateUserDescription,
  deleteOneUser,
  deleteManyUsers,
];
