import { entraIdConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { z } from 'zod';
import {
  createIdentityProvider,
  deleteIdentityProvider,
  getIdentityProvider,
  listIdentityProviders,
  testIdentityProvider,
  updateIdentityProvider,
  type IdentityProvider,
} from '../../../../app/identity-providers.ts';
import { searchGroups, type OriginatedGroup } from '../../../../app/people.ts';
import { listZonesAround, listZonesOfConnection } from '../../../../app/zones/zones.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import {
  findSerial,
  idField,
  listField,
  nullableText,
  pageFields,
  renderTime,
  requiredText,
  serialOf,
  serialsOf,
  textField,
  wordsOf,
  zoneField,
  zoneFilter,
} from '../fields.ts';
import { connectionTypeOf, localIdp, typeName } from '../idp-types.ts';
import { operation, pageParameters, type Operation } from '../operation.ts';
import { readPage, renderSlice, type PerPage } from '../paging.ts';
import { iam } from '../paths.ts';
import { renderZone } from '../render-zone.ts';

const perPage: PerPage = { least: 3, most: 100, usual: 10 };
const entra = 'entra_id';
const azure = typeName(entra);

function renderIdp(idp: IdentityProvider) {
  const { tenantId, clientId } = idp.settings;
  return {
    idpId: String(idp.serial),
    name: idp.displayName ?? idp.name,
    description: idp.description,
    type: typeName(idp.type),
    syncable: idp.syncEnabled,
    syncType: idp.scheduled ? 'proactive' : null,
    idpConfig: idp.type === entra ? { tenantId, clientId } : {},
    createdAt: renderTime(idp.createdAt),
    lastUpdatedAt: renderTime(idp.updatedAt),
  };
}

const syncType = z.literal('proactive', { error: "must be 'proactive' or null" }).nullish();
const object = { error: 'must be an object' };
const newConfig = z.object(
  { tenantId: requiredText(), clientId: requiredText(), clientSecret: requiredText() },
  { error: (issue) => (issue.input === undefined ? 'is required' : 'must be an object') },
);
const hourly = '`syncType` `proactive` runs the sync every hour; null runs it when it is asked to.';

const createIdp = operation({
  id: 'createOrganizationIamUsersIdp',
  method: 'POST',
  path: `${iam}/idps`,
  summary: 'Make an identity provider',
  scope: 'dashboard:iam:config:write',
  body: z.object(
    {
      name: requiredText(),
      type: z.literal(azure, {
        error: (issue) => (issue.input === undefined ? 'is required' : `must be '${azure}'`),
      }),
      idpConfig: newConfig,
      description: textField.nullable().transform((value) => value ?? undefined),
      syncType,
    },
    object,
  ),
  status: 201,
  batch: 'create',
  deviations: [hourly, 'Starts no sync.'],
  handle: async ({ app, actor }, { body }) => {
    const idp = await createIdentityProvider(app, actor, {
      displayName: body.name,
      description: body.description,
      configuration: entraIdConnectionSchema.parse({ type: entra, ...body.idpConfig }),
      scheduled: body.syncType === 'proactive',
    });
    return { body: renderIdp(idp), created: { id: String(idp.serial), uri: `${iam}/idps/${idp.serial}` } };
  },
});

const updateIdp = operation({
  id: 'updateOrganizationIamUsersIdp',
  method: 'PUT',
  path: `${iam}/idps/{id}`,
  summary: 'Change an identity provider',
  scope: 'dashboard:iam:config:write',
  body: z.object(
    {
      name: requiredText().optional(),
      description: textField,
      idpConfig: newConfig.partial().optional(),
      syncType,
    },
    object,
  ),
  batch: 'update',
  deviations: [hourly, '`idpConfig` of an identity provider of another type is refused.'],
  handle: async ({ app, actor }, { params, body }) => {
    const serial = serialOf(params['id'], 'IdP');
    const { clientSecret, ...settings } = body.idpConfig ?? {};
    const configured = body.idpConfig !== undefined;
    if (configured && (await getIdentityProvider(app, actor, serial)).type !== entra)
      throw new LockstepError('InvalidRequest', `'idpConfig' can be set for IdPs of type ${azure} only`);
    const idp = await updateIdentityProvider(app, actor, serial, {
      displayName: body.name,
      description: body.description,
      settings: configured ? settings : undefined,
      secrets: clientSecret === undefined ? undefined : { clientSecret },
      scheduled: body.syncType === undefined ? undefined : body.syncType === 'proactive',
    });
    return { body: renderIdp(idp) };
  },
});

const deleteIdp = operation({
  id: 'deleteOrganizationIamUsersIdp',
  method: 'DELETE',
  path: `${iam}/idps/{id}`,
  summary: 'Delete an identity provider',
  scope: 'dashboard:iam:config:write',
  status: 204,
  batch: 'destroy',
  deviations: [
    'Users and groups that came from it stay, and so does the history of its syncs.',
    'Refused while a sync of it has not ended, or while the connection is written to as well.',
  ],
  handle: async ({ app, actor }, { params }) => {
    await deleteIdentityProvider(app, actor, serialOf(params['id'], 'IdP'));
    return {};
  },
});

const searchIdps = operation({
  id: 'createOrganizationIamUsersIdpsSearch',
  method: 'POST',
  path: `${iam}/idps/search`,
  summary: 'Find identity providers; all conditions must hold',
  scope: 'dashboard:iam:config:read',
  query: pageParameters,
  body: z.object({ idpIds: listField, type: nullableText, authZone: zoneField, ...pageFields }, object),
  deviations: ['Shows connections of other types too: LDAP, File, SCIM, Google Workspace.'],
  handle: async ({ app, actor }, { query, body }) => {
    const page = readPage(query, perPage, body);
    const type = body.type === undefined ? undefined : [connectionTypeOf(body.type)];
    const filter = { serials: serialsOf(body.idpIds), types: type, zone: zoneFilter(body.authZone) };
    return renderSlice(page, await listIdentityProviders(app, actor, filter, page), renderIdp);
  },
});

const testConnectivity = operation({
  id: 'createOrganizationIamUsersIdpsTestConnectivity',
  method: 'POST',
  path: `${iam}/idps/testConnectivity`,
  summary: 'Test an identity provider as it is, or with other settings',
  scope: 'dashboard:iam:config:read',
  body: z.object(
    {
      idpId: idField.optional(),
      idpConfig: z
        .object(
          {
            tenant: z.object({ id: requiredText().optional() }, object).optional(),
            client: z
              .object({ id: requiredText().optional(), secret: requiredText().optional() }, object)
              .optional(),
          },
          object,
        )
        .optional(),
    },
    object,
  ),
  batch: 'test_connectivity',
  deviations: ['`errors[].code` is the step that failed, or a code of Lockstep.'],
  handle: async ({ app, actor }, { body }) => {
    const { tenant, client } = body.idpConfig ?? {};
    const settings = {
      ...(tenant?.id === undefined ? {} : { tenantId: tenant.id }),
      ...(client?.id === undefined ? {} : { clientId: client.id }),
    };
    const secrets: Record<string, string> =
      client?.secret === undefined ? {} : { clientSecret: client.secret };
    if (body.idpId === undefined && body.idpConfig === undefined)
      throw new LockstepError('InvalidRequest', "'idpId' or 'idpConfig' is required", { field: 'idpId' });
    const serial = body.idpId === undefined ? undefined : serialOf(body.idpId, 'IdP');
    try {
      const { ok, steps } = await testIdentityProvider(app, actor, serial, entra, { settings, secrets });
      const failed = steps.filter((step) => !step.ok);
      const errors = failed.map(({ step, detail }) => ({ code: step, message: detail }));
      return { body: { result: ok ? 'success' : 'failure', errors } };
    } catch (error) {
      if (!(error instanceof LockstepError) || error.kind !== 'unavailable') throw error;
      return { body: { result: 'failure', errors: [{ code: error.code, message: error.message }] } };
    }
  },
});

const getZones = operation({
  id: 'getOrganizationIamUsersIdpAuthZones',
  method: 'GET',
  path: `${iam}/idps/{id}/authZones`,
  summary: 'Zones that the people of an identity provider may be let into',
  scope: 'dashboard:iam:config:read',
  handle: async ({ app, actor }, { params }) => {
    const idp = await getIdentityProvider(app, actor, serialOf(params['id'], 'IdP'));
    return { body: { items: (await listZonesOfConnection(app, idp.id)).map(renderZone) } };
  },
});

const getProductIntegrations = operation({
  id: 'getOrganizationIamUsersIdpsProductIntegrations',
  method: 'GET',
  path: `${iam}/idps/productIntegrations`,
  summary: 'Products that identity providers can be used in',
  scope: 'dashboard:iam:config:read',
  deviations: ['These are the authorization zones of type `product`.'],
  handle: async ({ app, actor }) => {
    const zones = await listZonesAround(app, actor, { limit: 1000 });
    const products = zones.items.filter(({ type }) => type === 'product');
    return {
      body: products.map(({ name, connections }) => ({
        productIntegrationId: name,
        name,
        description: connections.length === 0 ? '' : `Used with ${connections.join(', ')}`,
        url: '',
      })),
    };
  },
});

function renderGroup(group: OriginatedGroup) {
  const origin = group.origins[0];
  const idp =
    origin === undefined
      ? localIdp
      : {
          id: String(origin.connectionSerial),
          name: origin.connectionName,
          type: typeName(origin.connectionType),
        };
  return {
    groupId: String(group.serial),
    idpId: idp.id,
    name: group.name,
    externalId: origin?.externalId ?? '',
    metadata: {},
    idp,
  };
}

const searchIdpGroups = operation({
  id: 'searchOrganizationIdpGroups',
  method: 'POST',
  path: `${iam}/idps/groups/search`,
  summary: 'Find groups by name and by where they come from',
  scope: 'dashboard:iam:config:read',
  query: pageParameters,
  body: z.object(
    { idpIds: listField, authZone: zoneField, searchQuery: nullableText, ...pageFields },
    object,
  ),
  deviations: [
    'A group of the directory itself has the identity provider `0`.',
    'Every word of `searchQuery` must be part of the name, whatever the letter case.',
  ],
  handle: async ({ app, actor }, { query, body }) => {
    const page = readPage(query, perPage, body);
    const filter = {
      connections: body.idpIds?.flatMap((id) => findSerial(id) ?? []),
      zone: zoneFilter(body.authZone),
      words: wordsOf(body.searchQuery),
    };
    return renderSlice(page, await searchGroups(app, actor, filter, page), renderGroup);
  },
});

export const idpOperations: readonly Operation[] = [
  createIdp,
  updateIdp,
  deleteIdp,
  searchIdps,
  testConnectivity,
  getZones,
  getProductIntegrations,
  searchIdpGroups,
];
