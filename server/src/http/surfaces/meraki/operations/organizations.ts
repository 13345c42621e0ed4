import { getTenantSerial } from '../../../../app/tenant-serial.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { operation, pageParameters, type Caller, type Operation } from '../operation.ts';
import { renderDocument } from '../render-document.ts';

async function renderOrganization({ app, actor, baseUrl }: Caller) {
  return {
    id: String(await getTenantSerial(app, actor)),
    name: actor.tenantName,
    url: `${baseUrl}/`,
    api: { enabled: true },
    cloud: { region: { name: 'Lockstep', host: { name: 'Lockstep' } } },
    management: { details: [] },
  };
}

const missing = 'Members about licences and devices are left out: there are none.';

const getOrganizations = operation({
  id: 'getOrganizations',
  method: 'GET',
  path: '/organizations',
  tags: ['organizations'],
  summary: 'The organization of the caller: its tenant',
  query: pageParameters,
  deviations: ['A key belongs to one organization, so that there is one.', missing],
  handle: async (caller) => ({ body: [await renderOrganization(caller)] }),
});

const getOrganization = operation({
  id: 'getOrganization',
  method: 'GET',
  path: '/organizations/{organizationId}',
  tags: ['organizations'],
  summary: 'Show an organization',
  deviations: [missing],
  handle: async (caller) => ({ body: await renderOrganization(caller) }),
});

const getMe = operation({
  id: 'getAdministeredIdentitiesMe',
  method: 'GET',
  path: '/administered/identities/me',
  tags: ['administered'],
  summary: 'Whom the key stands for',
  deviations: ['Accounts have no e-mail address: `email` is the name, `lastUsedDashboardAt` is null.'],
  handle: async ({ actor }) => ({
    body: {
      name: actor.accountName,
      email: actor.accountName,
      lastUsedDashboardAt: null,
      authentication: {
        mode: 'email',
        api: { key: { created: true } },
        twoFactor: { enabled: false },
        saml: { enabled: false },
      },
    },
  }),
});

/** The description of the API, made from the table of operations. */
export function documentOperation(listOperations: () => readonly Operation[]): Operation {
  return operation({
    id: 'getOrganizationOpenapiSpec',
    method: 'GET',
    path: '/organizations/{organizationId}/openapiSpec',
    tags: ['organizations'],
    summary: 'The OpenAPI document of what is here',
    query: [{ name: 'version', type: 'integer' }],
    deviations: ['Version 3 only, and without it version 3; it has the operations that are here.'],
    handle: async ({ baseUrl }, { query }) => {
      const version = query.integer('version') ?? 3;
      if (version !== 3)
        throw new LockstepError('InvalidRequest', "'version' must be 3", { field: 'version' });
      return { body: renderDocument(listOperations(), baseUrl) };
    },
  });
}

export const organizationOperations: readonly Operation[] = [getOrganizations, getOrganization, getMe];
