import { z } from 'zod';
import { createUser, deleteUser, updateUser } from '../../../../app/directory-writes/users.ts';
import { countPeople, getPerson, searchPeople, type Origin, type Person } from '../../../../app/people.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import {
  booleanField,
  findSerial,
  listField,
  nullableText,
  pageFields,
  renderTime,
  serialOf,
  serialsOf,
  wordsOf,
} from '../fields.ts';
import { localIdp, typeKey, typeName } from '../idp-types.ts';
import { operation, pageParameters, type Operation } from '../operation.ts';
import { readPage, renderSlice, type PerPage } from '../paging.ts';
import { iam } from '../paths.ts';

const perPage: PerPage = { least: 3, most: 50, usual: 10 };
const object = { error: 'must be an object' };

function renderGroups(person: Person) {
  return person.groups.map(({ serial, name }) => ({ id: String(serial), name }));
}

function renderIdpUser(person: Person) {
  const origin = person.origins[0];
  return {
    idpUserId: String(person.serial),
    idp:
      origin === undefined
        ? { ...localIdp, type: localIdp.type.toLowerCase() }
        : {
            id: String(origin.connectionSerial),
            name: origin.connectionName,
            type: typeKey(origin.connectionType),
          },
    upn: person.username,
    displayName: person.displayName ?? person.username,
    externalId: origin?.externalId ?? '',
    accessTypes: person.zoneTypes,
    createdAt: renderTime(person.createdAt),
    lastUpdatedAt: renderTime(person.updatedAt),
    groups: renderGroups(person),
  };
}

function renderAccount(person: Person, origin: Origin | undefined) {
  return {
    id: String(person.serial),
    idp:
      origin === undefined
        ? localIdp
        : {
            id: String(origin.connectionSerial),
            name: origin.connectionName,
            type: typeName(origin.connectionType),
          },
    displayName: person.displayName ?? person.username,
    email: person.email ?? '',
    username: person.username,
    externalId: origin?.externalId ?? '',
    createdAt: renderTime(origin?.linkedAt ?? person.createdAt),
    lastUpdatedAt: renderTime(person.updatedAt),
    groups: renderGroups(person),
    accessTypes: person.zoneTypes,
  };
}

function renderUser(person: Person) {
  const origins = person.origins.length === 0 ? [undefined] : person.origins;
  return {
    userId: String(person.serial),
    upn: person.username,
    idpUsers: origins.map((origin) => renderAccount(person, origin)),
  };
}

const emailField = z
  .string({ error: 'must be a string' })
  .max(320, 'must have 320 characters at most')
  .regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address');
const userBody = z.object(
  {
    displayName: nullableText,
    email: emailField.optional(),
    password: nullableText,
    sendPassword: booleanField,
  },
  object,
);
const passwords = [
  'Nobody signs in to Lockstep with a password of the directory: `password` is not kept, `sendPassword: true` is refused.',
];

function refuseSending(sendPassword: boolean | undefined): void {
  if (sendPassword !== true) return;
  throw new LockstepError('InvalidRequest', "'sendPassword' cannot be true: no mail is sent here", {
    field: 'sendPassword',
  });
}

const createIdpUser = operation({
  id: 'createOrganizationIamUsersIdpsUser',
  method: 'POST',
  path: `${iam}/idps/users`,
  summary: 'Make a user in the directory',
  scope: 'dashboard:iam:config:write',
  body: userBody,
  status: 201,
  batch: 'create',
  deviations: ['`email` is required: it is the user name as well.', ...passwords],
  handle: async ({ app, actor }, { body }) => {
    const { email, displayName } = body;
    refuseSending(body.sendPassword);
    if (email === undefined)
      throw new LockstepError('InvalidRequest', "'email' is required", { field: 'email' });
    const user = await createUser(app, actor, {
      username: email,
      attributes: { mail: [email], ...(displayName === undefined ? {} : { displayName: [displayName] }) },
    });
    const id = String(user.serial);
    return {
      body: renderIdpUser(await getPerson(app, actor, user.serial)),
      created: { id, uri: `${iam}/idps/users/${id}` },
    };
  },
});

const updateIdpUser = operation({
  id: 'updateOrganizationIamUsersIdpsUser',
  method: 'PUT',
  path: `${iam}/idps/users/{id}`,
  summary: 'Change a user of the directory',
  scope: 'dashboard:iam:config:write',
  body: userBody,
  batch: 'update',
  deviations: [
    ...passwords,
    'Users that an identity provider brought can be changed too; what it says of them comes back when it changes there.',
  ],
  handle: async ({ app, actor }, { params, body }) => {
    refuseSending(body.sendPassword);
    const person = await getPerson(app, actor, serialOf(params['id'], 'User'));
    const { email, displayName } = body;
    const renamed = person.origins.length === 0 && person.username === person.email;
    await updateUser(app, actor, person.id, {
      ...(email !== undefined && renamed ? { username: email } : {}),
      attributes: {
        ...(email === undefined ? {} : { mail: [email] }),
        ...(displayName === undefined ? {} : { displayName: [displayName] }),
      },
    });
    return { body: renderIdpUser(await getPerson(app, actor, person.serial)) };
  },
});

const deleteIdpUser = operation({
  id: 'deleteOrganizationIamUsersIdpsUser',
  method: 'DELETE',
  path: `${iam}/idps/users/{id}`,
  summary: 'Delete a user of the directory',
  scope: 'dashboard:iam:config:write',
  status: 204,
  batch: 'destroy',
  deviations: ['A user that an identity provider still has comes back with its next sync.'],
  handle: async ({ app, actor }, { params }) => {
    const person = await getPerson(app, actor, serialOf(params['id'], 'User'));
    await deleteUser(app, actor, person.id);
    return {};
  },
});

const sortKeys = { username: 'username', created_at: 'createdAt', updated_at: 'updatedAt' } as const;
const userStatuses = ['enabled', 'disabled'] as const;

const searchUsers = operation({
  id: 'searchOrganizationUsers',
  method: 'POST',
  path: `${iam}/search`,
  summary: 'Find users; all conditions must hold',
  scope: 'dashboard:iam:config:read',
  query: pageParameters,
  body: z.object(
    {
      userIds: listField,
      idpIds: listField,
      groupIds: listField,
      accessTypes: listField,
      statuses: z
        .array(z.enum(userStatuses, { error: `must be one of: ${userStatuses.join(', ')}` }), {
          error: 'must be an array of strings',
        })
        .optional(),
      searchQuery: nullableText,
      sortKey: z
        .enum(['created_at', 'updated_at', 'username'], {
          error: 'must be created_at, updated_at or username',
        })
        .default('username'),
      sortOrder: z.enum(['asc', 'desc'], { error: 'must be asc or desc' }).default('asc'),
      ...pageFields,
    },
    object,
  ),
  deviations: [
    'A user has one id: `userId`, `idpUsers[].id` and `idpUserId` are the same.',
    '`accessTypes` are the types of the zones that a user may enter now; `statuses` are `enabled` and `disabled`.',
    'Every word of `searchQuery` must be part of display name, user name or e-mail address, whatever the letter case.',
    'A user of the directory itself has the identity provider `0`, named Meraki.',
  ],
  handle: async ({ app, actor }, { query, body }) => {
    const page = readPage(query, perPage, body, body.sortKey === 'username' ? 'string' : 'number');
    const [status, another] = new Set(body.statuses ?? []);
    const filter = {
      serials: serialsOf(body.userIds),
      connections: body.idpIds?.flatMap((id) => findSerial(id) ?? []),
      groups: serialsOf(body.groupIds),
      zones: body.accessTypes === undefined ? undefined : { types: body.accessTypes, at: app.clock.now() },
      enabled: status === undefined || another !== undefined ? undefined : status === 'enabled',
      words: wordsOf(body.searchQuery),
    };
    const order = { by: sortKeys[body.sortKey], descending: body.sortOrder === 'desc' };
    return renderSlice(page, await searchPeople(app, actor, filter, order, page), renderUser);
  },
});

const getSummary = operation({
  id: 'getOrganizationIamUsersSummaryPanel',
  method: 'GET',
  path: `${iam}/summaryPanel`,
  summary: 'How many users and groups there are',
  scope: 'dashboard:iam:telemetry:read',
  handle: async ({ app, actor }) => {
    const { users, groups } = await countPeople(app, actor);
    return { body: { userCount: users, userGroupCount: groups } };
  },
});

export const userOperations: readonly Operation[] = [
  createIdpUser,
  updateIdpUser,
  deleteIdpUser,
  searchUsers,
  getSummary,
];
