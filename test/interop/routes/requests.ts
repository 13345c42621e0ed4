import type { Route } from '@lockstep/contract/route.ts';
import { apiPrefix, routes } from '@lockstep/contract/routes.ts';
import { operationTable as authentikOperations } from '../../../server/src/http/surfaces/authentik/operation-table.ts';
import { operationTable as eiamOperations } from '../../../server/src/http/surfaces/eiam/operation-table.ts';
import type { ParameterSchema } from '../../../server/src/http/surfaces/eiam/parameter-schema.ts';
import { makeOperationTable } from '../../../server/src/http/surfaces/meraki/operation-table.ts';
import { urn } from '../../servers/scim-client.ts';
import { flatten, type Parameter } from '../eiam/eiam-client.ts';

/** What there is of a tenant, as each API names it; names begin with a word that nothing else has in it. */
export interface Things {
  readonly [name: string]: string;
}

/** One call of one operation, without who makes it. */
export interface Request {
  readonly surface: 'native' | 'eiam' | 'meraki' | 'authentik' | 'scim';
  readonly operation: string;
  readonly method: string;
  readonly path: string;
  readonly body?: unknown;
  /** Whether a reader may call it, where the table of operations says so. */
  readonly reads: boolean;
}

function filled(path: string, value: (name: string) => string | undefined): string {
  return path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(value(name) ?? `no ${name}`));
}

/** Allows everything. */
export const policy = {
  document: { Version: '1', Statement: [{ Effect: 'Allow', Action: '*', Resource: '*' }] },
};

function nativeBodies(id: string, things: Things): unknown[] {
  const of: Readonly<Record<string, unknown[]>> = {
    createAccessKey: [
      { name: 'k', account: things['accountName'] },
      { name: 'k', policies: [things['policy']] },
    ],
    putAccount: [{ role: 'reader' }],
    createAccountToken: [{}],
    createTenant: [{ name: 'x' }],
    issueSecurityToken: [{}],
    putPolicy: [policy],
    createOauthClient: [{ name: 'c', scopes: ['dashboard:iam:config:read'] }],
    compareConfiguration: [{ connections: [], syncs: [] }],
    putConnection: [{ type: 'file', path: 'x.ldif', baseDn: 'dc=x' }],
    createConnectionToken: [{}],
    putSync: [{ connection: things['connection'], direction: 'ingress' }],
    requestJob: [{}],
    putAuthZone: [{ type: 'ssid', connections: [things['connectionName']] }],
    undoJob: [{}],
    createDirectoryObject: [{ name: 'new', parent: things['unit'] }],
    updateDirectoryObject: [{ attributes: { title: ['x'] } }, { parent: things['unit'] }],
  };
  return of[id] ?? [undefined];
}

const segments = { users: 'user', groups: 'group', organizationalUnits: 'unit' } as const;

function nativeRequests(things: Things): Request[] {
  const elsewhere = new Set(['followJob', 'downloadBackup', 'applyConfiguration']);
  const all = Object.entries(routes as Record<string, Route>).filter(([id]) => !elsewhere.has(id));
  return all.flatMap(([operation, route]) =>
    (route.path.includes('{kind}') ? Object.entries(segments) : [['', '']]).flatMap(
      ([kind = '', thing = '']) => {
        const named: Things = {
          ...things,
          kind,
          object: things[thing] ?? '',
          member: things['user'] ?? '',
          account: things['accountName'] ?? '',
          token: things[route.path.startsWith('/accounts/') ? 'accountToken' : 'scimToken'] ?? '',
        };
        const value = (name: string) => named[name];
        const path = apiPrefix + filled(route.path, value);
        const { method } = route;
        const reads = route.role === 'reader';
        return nativeBodies(operation, things).map((body): Request => ({
          surface: 'native',
          operation,
          method,
          path,
          body,
          reads,
        }));
      },
    ),
  );
}

const searching = new Set([
  'createOrganizationIamUsersIdpsSearch',
  'searchOrganizationIdpGroups',
  'searchOrganizationUsers',
]);

function merakiRequests(things: Things, organization: string): Request[] {
  const body = {
    name: 'x',
    type: 'Azure AD',
    idpConfig: { tenantId: 't', clientId: 'c', clientSecret: 's' },
    displayName: 'x',
    idpId: things['connectionSerial'],
    authorizationId: things['authorizationSerial'],
    authZone: { id: things['zoneSerial'] },
    email: things['email'],
    confirmed: true,
    synchronous: true,
    actions: [
      {
        resource: `/organizations/${organization}/iam/users/idps/users/${things['userSerial']}`,
        operation: 'destroy',
      },
    ],
  };
  return makeOperationTable(() => undefined).map((one): Request => {
    const value = (name: string) => {
      if (name === 'id')
        return one.path.includes('/idps/users/') ? things['userSerial'] : things['connectionSerial'];
      return {
        organizationId: organization,
        idpId: things['connectionSerial'],
        authorizationId: things['authorizationSerial'],
        actionBatchId: things['batchSerial'],
      }[name];
    };
    const query =
      one.method === 'GET' ? `?idpId=${things['connectionSerial']}&userIds[]=${things['userSerial']}` : '';
    const reads = one.method === 'GET' || searching.has(one.id);
    const path = `/api/v1${filled(one.path, value)}${query}`;
    const sent = one.bodySchema === undefined ? undefined : searching.has(one.id) ? {} : body;
    return { surface: 'meraki', operation: one.id, method: one.method, path, body: sent, reads };
  });
}

function authentikRequests(things: Things): Request[] {
  const body = {
    name: 'x',
    url: 'https://x.example',
    token: 't',
    client_id: 'c',
    client_secret: 's',
    tenant_id: 't',
    delegated_subject: 'a@x.example',
    credentials: {},
    default_group_email_domain: 'x.example',
    property_mappings: [things['mappingUuid']],
    sync_object_model: 'authentik.core.models.User',
    sync_object_id: things['userSerial'],
    provider: Number(things['scimSerial']),
    user: Number(things['userSerial']),
    group: things['groupUuid'],
    microsoft_id: 'x',
    google_id: 'x',
    scim_id: 'x',
    crontab: '0 0 * * *',
  };
  return authentikOperations.map((one): Request => {
    const value = (name: string) => {
      if (name === 'id' && one.path.startsWith('/tasks/')) return things['syncUuid'];
      if (name === 'id')
        return /_(users|groups)\//.test(one.path) ? things['userUuid'] : things['scimSerial'];
      return { slug: things['connectionName'], pm_uuid: things['mappingUuid'] }[name] ?? things['jobUuid'];
    };
    const query =
      one.method === 'GET' ? `?provider__id=${things['scimSerial']}&uid=${things['syncUuid']}` : '';
    const hasBody =
      ['PUT', 'PATCH'].includes(one.method) ||
      (one.method === 'POST' && !/_(run|send|retry)_create$/.test(one.name));
    return {
      surface: 'authentik',
      operation: one.name,
      method: one.method,
      path: `/api/v3${filled(one.path, value)}${query}`,
      body: hasBody ? body : undefined,
      reads: one.reads,
    };
  });
}

const eiamThings: readonly (readonly [name: RegExp, thing: string])[] = [
  [/^UserIds?$/, 'user'],
  [/^GroupIds?$/, 'group'],
  [/OrganizationalUnitIds?$|^ParentId$|^TargetScope$|^SourceScopes$/, 'unit'],
  [/^IdentityProviderId$|^TargetIds?$|SourceId$/, 'connection'],
  [/^ApplicationIds?$/, 'application'],
  [/^SynchronizationJobId$/, 'job'],
  [/^FieldId$/, 'customField'],
  [/CheckJobId$/, 'job'],
];

function eiamValue(schema: ParameterSchema, name: string, things: Things): Parameter {
  if (schema.type === 'array') return [eiamValue(schema.items, name, things)];
  if (schema.type === 'object')
    return Object.fromEntries(
      Object.entries(schema.fields).map(([member, inner]) => [member, eiamValue(inner, member, things)]),
    );
  if (schema.type === 'boolean') return true;
  if (schema.type !== 'string') return schema.minimum ?? 1;
  const [, thing = ''] = eiamThings.find(([pattern]) => pattern.test(name)) ?? [];
  return schema.values?.[0] ?? things[thing] ?? 'new';
}

/** Each operation with what it must be given, and again with each thing that it may be given. */
function eiamRequests(things: Things, tenantId: string): Request[] {
  return [...eiamOperations.values()].flatMap((one) => {
    const members = Object.entries(one.parameters).filter(([name]) => name !== 'InstanceId');
    const values = (chosen: typeof members) =>
      Object.fromEntries(chosen.map(([name, schema]) => [name, eiamValue(schema, name, things)]));
    const required = values(members.filter(([, { required: isRequired }]) => isRequired === true));
    const named = members.filter(
      ([name, schema]) => schema.required !== true && eiamThings.some(([pattern]) => pattern.test(name)),
    );
    const variants = [required, ...named.map((member) => ({ ...required, ...values([member]) }))];
    return variants.map((parameters): Request => ({
      surface: 'eiam',
      operation: one.name,
      method: 'POST',
      path: '/',
      body: flatten({ InstanceId: tenantId, ...parameters }),
      reads: one.role === 'reader',
    }));
  });
}

/** At the connection of the caller, of records that are in another's. */
function scimRequests(things: Things): Request[] {
  const record = things['record'] ?? '';
  const patch = { schemas: [urn.patch], Operations: [{ op: 'replace', path: 'title', value: 'x' }] };
  const group = { schemas: [urn.group], displayName: 'g', members: [{ value: record }] };
  const bulk = { schemas: [urn.bulk], Operations: [{ method: 'DELETE', path: `/Users/${record}` }] };
  const calls: readonly (readonly [method: string, path: string, body?: unknown])[] = [
    ['GET', `/Users/${record}`],
    ['PUT', `/Users/${record}`, { schemas: [urn.user], userName: 'x' }],
    ['PATCH', `/Users/${record}`, patch],
    ['DELETE', `/Users/${record}`],
    ['GET', `/Users?filter=id%20eq%20%22${record}%22`],
    ['POST', '/Users/.search', { schemas: [urn.search], filter: 'userName pr' }],
    ['POST', '/.search', { schemas: [urn.search], filter: 'id pr' }],
    ['POST', '/Groups', group],
    ['POST', '/Bulk', bulk],
    ['GET', '/'],
  ];
  return calls.map(([method, path, body]) => ({
    surface: 'scim',
    operation: `${method} ${path}`,
    method,
    path: `/scim/v2/hr${path}`,
    body,
    reads: false,
  }));
}

/** Calls of every operation with these things, to the tenant with this id and number. */
export function requestsOf(
  things: Things,
  { organization, tenantId }: { readonly organization: string; readonly tenantId: string },
): Request[] {
  return [
    ...nativeRequests(things),
    ...merakiRequests(things, organization),
    ...authentikRequests(things),
    ...eiamRequests(things, tenantId),
    ...scimRequests(things),
  ];
}
