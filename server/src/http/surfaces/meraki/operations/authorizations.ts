import { z } from 'zod';
import {
  createAuthorization,
  deleteAuthorization,
  listAuthorizations,
  revokeAuthorization,
  updateAuthorization,
  type Authorization,
} from '../../../../app/zones/authorizations.ts';
import { listZonesAround } from '../../../../app/zones/zones.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { idField, nullableText, renderTime, serialOf, serialsOf, timeField } from '../fields.ts';
import { operation, pageParameters, type Operation } from '../operation.ts';
import { readPage, renderSlice } from '../paging.ts';
import { iam } from '../paths.ts';
import { renderZone } from '../render-zone.ts';

const object = { error: 'must be an object' };
const zone = z.object(
  { id: idField },
  { error: (issue) => (issue.input === undefined ? 'is required' : 'must be an object with an id') },
);
const statuses = '`status` is authorized, pending, expired or revoked; the vendor shows `authorized` alone.';

function renderAuthorization(row: Authorization) {
  return {
    authorizationId: String(row.serial),
    idpUserId: String(row.userSerial),
    ...(row.expiresAt === null ? {} : { expiresAt: renderTime(row.expiresAt) }),
    startsAt: renderTime(row.startsAt),
    selfRegistered: false,
    status: row.status,
    authZone: { id: String(row.zoneSerial), name: row.zoneName },
    authorizer: { name: row.authorizer },
    createdAt: renderTime(row.createdAt),
    lastUpdatedAt: renderTime(row.updatedAt),
  };
}

const getAuthorizations = operation({
  id: 'getOrganizationIamUsersAuthorizations',
  method: 'GET',
  path: `${iam}/authorizations`,
  summary: 'List the authorizations of some users',
  scope: 'dashboard:iam:config:read',
  query: [...pageParameters, { name: 'userIds', type: 'array', required: true }],
  deviations: [statuses, 'An authorization for good has no `expiresAt`.'],
  handle: async ({ app, actor }, { query }) => {
    const users = serialsOf(query.list('userIds'));
    if (users === undefined)
      throw new LockstepError('InvalidRequest', "'userIds' is required", { field: 'userIds' });
    const page = readPage(query, { least: 3, most: 50, usual: 10 });
    return renderSlice(page, await listAuthorizations(app, actor, users, page), renderAuthorization);
  },
});

const create = operation({
  id: 'createOrganizationIamUsersAuthorization',
  method: 'POST',
  path: `${iam}/authorizations`,
  summary: 'Let a user into a zone',
  scope: 'dashboard:iam:config:write',
  body: z.object(
    {
      authZone: zone,
      email: nullableText,
      idpUserId: idField.optional(),
      startsAt: timeField.optional(),
      expiresAt: timeField.optional(),
    },
    object,
  ),
  status: 201,
  batch: 'create',
  deviations: [statuses, 'A user who has a standing authorization in the zone gets that one changed.'],
  handle: async ({ app, actor }, { body }) => {
    const made = await createAuthorization(app, actor, {
      zoneSerial: serialOf(body.authZone.id, 'Auth zone'),
      email: body.email,
      ...(body.idpUserId === undefined ? {} : { userSerial: serialOf(body.idpUserId, 'User') }),
      startsAt: body.startsAt,
      expiresAt: body.expiresAt,
    });
    const id = String(made.serial);
    return { body: renderAuthorization(made), created: { id, uri: `${iam}/authorizations/${id}` } };
  },
});

const update = operation({
  id: 'updateOrganizationIamUsersAuthorizations',
  method: 'PUT',
  path: `${iam}/authorizations`,
  summary: 'Change an authorization, named by id or by user and zone',
  scope: 'dashboard:iam:config:write',
  body: z.object(
    {
      authorizationId: idField.optional(),
      email: nullableText,
      authZone: zone.optional(),
      startsAt: timeField.optional(),
      expiresAt: timeField.nullable().optional(),
    },
    object,
  ),
  batch: 'update',
  deviations: [statuses, '`authZone` beside `authorizationId` moves the authorization there.'],
  handle: async ({ app, actor }, { body }) => ({
    body: renderAuthorization(
      await updateAuthorization(app, actor, {
        ...(body.authorizationId === undefined
          ? { email: body.email }
          : { serial: serialOf(body.authorizationId, 'Authorization') }),
        ...(body.authZone === undefined ? {} : { zoneSerial: serialOf(body.authZone.id, 'Auth zone') }),
        startsAt: body.startsAt,
        expiresAt: body.expiresAt,
      }),
    ),
  }),
});

const revoke = operation({
  id: 'revokeOrganizationIamUsersAuthorizationsAuthorization',
  method: 'POST',
  path: `${iam}/authorizations/authorization/revoke`,
  summary: 'End an authorization and keep its record',
  scope: 'dashboard:iam:config:write',
  body: z.object({ authZone: zone, email: nullableText, authorizationId: idField.optional() }, object),
  status: 204,
  batch: 'revoke',
  handle: async ({ app, actor }, { body }) => {
    await revokeAuthorization(app, actor, {
      zoneSerial: serialOf(body.authZone.id, 'Auth zone'),
      email: body.email,
      ...(body.authorizationId === undefined
        ? {}
        : { serial: serialOf(body.authorizationId, 'Authorization') }),
    });
    return {};
  },
});

const remove = operation({
  id: 'deleteOrganizationIamUsersAuthorization',
  method: 'DELETE',
  path: `${iam}/authorizations/{authorizationId}`,
  summary: 'Delete an authorization with its record',
  scope: 'dashboard:iam:config:write',
  status: 204,
  batch: 'destroy',
  handle: async ({ app, actor }, { params }) => {
    await deleteAuthorization(app, actor, serialOf(params['authorizationId'], 'Authorization'));
    return {};
  },
});

const getZones = operation({
  id: 'getOrganizationIamUsersAuthorizationsZones',
  method: 'GET',
  path: `${iam}/authorizations/zones`,
  summary: 'List authorization zones',
  scope: 'dashboard:iam:config:read',
  query: pageParameters,
  deviations: ['Zones come from `authZones` of the configuration; their types are those of `authZoneType`.'],
  handle: async ({ app, actor }, { query }) => {
    const page = readPage(query, { least: 10, most: 1000, usual: 100 });
    return renderSlice(page, await listZonesAround(app, actor, page), renderZone);
  },
});

export const authorizationOperations: readonly Operation[] = [
  getAuthorizations,
  create,
  update,
  revoke,
  remove,
  getZones,
];
