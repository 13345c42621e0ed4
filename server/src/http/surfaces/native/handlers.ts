import type { RouteRequest, RouteResponse } from '@lockstep/contract/route.ts';
import { directorySegments } from '@lockstep/contract/directoryObject.ts';
import type { OperationId, routes } from '@lockstep/contract/routes.ts';
import type { Actor, Surface as JobSurface } from '../../../app/actor.ts';
import {
  createAccountToken,
  deleteAccount,
  getAccount,
  listAccounts,
  listAccountTokens,
  putAccount,
  revokeAccountToken,
} from '../../../app/access/accounts.ts';
import { createAccessKey, listAccessKeys, revokeAccessKey } from '../../../app/access/keys.ts';
import {
  attachPolicy,
  deletePolicy,
  detachPolicy,
  getPolicy,
  listPolicies,
  putPolicy,
} from '../../../app/access/policies.ts';
import { issueSecurityToken } from '../../../app/access/security-tokens.ts';
import type { Application } from '../../../app/application.ts';
import { showIdentity } from '../../../app/authentication.ts';
import { listChanges } from '../../../app/changes.ts';
import { applyConfiguration, compareConfiguration } from '../../../app/configuration.ts';
import {
  deleteConnection,
  getConnection,
  listConnections,
  putConnection,
  testConnection,
} from '../../../app/connections.ts';
import {
  getDirectoryObject,
  listDirectory,
  listMembers,
  listMemberships,
  listObjectChanges,
} from '../../../app/directory.ts';
import {
  addMember,
  createDirectoryObject,
  deleteDirectoryObject,
  removeMember,
  updateDirectoryObject,
  type MembershipAddress,
} from '../../../app/directory-writes/by-address.ts';
import {
  approveJob,
  cancelJob,
  getJob,
  listJobs,
  listMessages,
  requestJob,
  undoJob,
} from '../../../app/jobs.ts';
import { requireJobKey } from '../../../app/page.ts';
import {
  createConnectionToken,
  listConnectionTokens,
  revokeConnectionToken,
} from '../../../app/scim/tokens.ts';
import { listSigningKeys, rotateSigningKey } from '../../../app/signing-keys.ts';
import { createOauthClient, deleteOauthClient, listOauthClients } from '../../../app/oauth/clients.ts';
import type { TokenRequest } from '../../../app/tokens.ts';
import { deleteZone, getZone, listZones, putZone } from '../../../app/zones/zones.ts';
import { createTenant, listTenants } from '../../../app/tenants.ts';
import { deleteSync, getSync, listSyncs, putSync } from '../../../app/syncs.ts';

/** Who calls, and through what. */
export interface Caller {
  readonly app: Application;
  readonly actor: Actor;
  readonly surface: JobSurface;
}

type Routes = typeof routes;
/** Streams have a handler of their own. */
type JsonOperationId = Exclude<OperationId, 'followJob' | 'downloadBackup'>;
type Handler<Id extends OperationId> = (
  caller: Caller,
  request: RouteRequest<Routes[Id]>,
) => Promise<RouteResponse<Routes[Id]>>;

function membershipAddress(
  params: RouteRequest<Routes['addMember']>['params'],
  query: RouteRequest<Routes['addMember']>['query'],
): MembershipAddress {
  const kind = directorySegments[params.kind];
  return { kind, group: params.object, memberKind: query.memberKind, member: params.member };
}

function tokenRequest({
  label,
  expiresAt,
}: RouteRequest<Routes['createAccountToken']>['body']): TokenRequest {
  return { label, ...(expiresAt && { expiresAt: new Date(expiresAt) }) };
}

/** The use case behind each operation of the route table. */
export const handlers: { readonly [Id in JsonOperationId]: Handler<Id> } = {
  getIdentity: async ({ actor }) => showIdentity(actor),

  listAccounts: async ({ app, actor }, { query }) => listAccounts(app, actor, query),
  getAccount: async ({ app, actor }, { params }) => getAccount(app, actor, params.account),
  putAccount: async ({ app, actor }, { params, body }) => putAccount(app, actor, params.account, body),
  deleteAccount: async ({ app, actor }, { params }) => {
    await deleteAccount(app, actor, params.account);
    return undefined;
  },
  listAccountTokens: async ({ app, actor }, { params, query }) =>
    listAccountTokens(app, actor, params.account, query),
  createAccountToken: async ({ app, actor }, { params, body }) =>
    createAccountToken(app, actor, params.account, tokenRequest(body)),
  revokeAccountToken: async ({ app, actor }, { params }) => {
    await revokeAccountToken(app, actor, params.account, params.token);
    return undefined;
  },

  listTenants: async ({ app, actor }, { query }) => listTenants(app, actor, query),
  createTenant: async ({ app, actor }, { body }) => createTenant(app, actor, body.name),

  listAccessKeys: async ({ app, actor }, { query }) => listAccessKeys(app, actor, query),
  createAccessKey: async ({ app, actor }, { body }) => {
    const { expiresAt, ...rest } = body;
    return createAccessKey(app, actor, { ...rest, ...(expiresAt && { expiresAt: new Date(expiresAt) }) });
  },
  revokeAccessKey: async ({ app, actor }, { params }) => {
    await revokeAccessKey(app, actor, params.key);
    return undefined;
  },
  issueSecurityToken: async ({ app, actor }, { params, body }) =>
    issueSecurityToken(app, actor, params.key, body),
  attachPolicy: async ({ app, actor }, { params }) => {
    await attachPolicy(app, actor, params.key, params.policy);
    return undefined;
  },
  detachPolicy: async ({ app, actor }, { params }) => {
    await detachPolicy(app, actor, params.key, params.policy);
    return undefined;
  },
  listPolicies: async ({ app, actor }, { query }) => listPolicies(app, actor, query),
  getPolicy: async ({ app, actor }, { params }) => getPolicy(app, actor, params.policy),
  putPolicy: async ({ app, actor }, { params, body }) => putPolicy(app, actor, params.policy, body),
  deletePolicy: async ({ app, actor }, { params }) => {
    await deletePolicy(app, actor, params.policy);
    return undefined;
  },

  compareConfiguration: async ({ app, actor }, { body }) => compareConfiguration(app, actor, body),
  applyConfiguration: async ({ app, actor }, { body }) => applyConfiguration(app, actor, body),

  listConnections: async ({ app, actor }, { query }) => listConnections(app, actor, query),
  getConnection: async ({ app, actor }, { params }) => getConnection(app, actor, params.connection),
  putConnection: async ({ app, actor }, { params, body }) =>
    putConnection(app, actor, params.connection, body),
  deleteConnection: async ({ app, actor }, { params }) => {
    await deleteConnection(app, actor, params.connection);
    return undefined;
  },
  testConnection: async ({ app, actor }, { params }) => testConnection(app, actor, params.connection),
  listConnectionTokens: async ({ app, actor }, { params, query }) =>
    listConnectionTokens(app, actor, params.connection, query),
  createConnectionToken: async ({ app, actor }, { params, body }) =>
    createConnectionToken(app, actor, params.connection, tokenRequest(body)),
  revokeConnectionToken: async ({ app, actor }, { params }) => {
    await revokeConnectionToken(app, actor, params.connection, params.token);
    return undefined;
  },
  listSigningKeys: async ({ app, actor }) => listSigningKeys(app, actor),
  rotateSigningKey: async ({ app, actor }) => rotateSigningKey(app, actor),

  listSyncs: async ({ app, actor }, { query }) => listSyncs(app, actor, query),
  getSync: async ({ app, actor }, { params }) => getSync(app, actor, params.sync),
  putSync: async ({ app, actor }, { params, body }) => putSync(app, actor, params.sync, body),
  deleteSync: async ({ app, actor }, { params }) => {
    await deleteSync(app, actor, params.sync);
    return undefined;
  },
  requestJob: async ({ app, actor, surface }, { params, body }) =>
    requestJob(app, actor, params.sync, { ...body, startedThrough: surface }),

  listAuthZones: async ({ app, actor }, { query }) => listZones(app, actor, query),
  getAuthZone: async ({ app, actor }, { params }) => getZone(app, actor, params.zone),
  putAuthZone: async ({ app, actor }, { params, body }) => putZone(app, actor, params.zone, body),
  deleteAuthZone: async ({ app, actor }, { params }) => {
    await deleteZone(app, actor, params.zone);
    return undefined;
  },

  listOauthClients: async ({ app, actor }, { query }) => listOauthClients(app, actor, query),
  createOauthClient: async ({ app, actor }, { body }) => createOauthClient(app, actor, body),
  deleteOauthClient: async ({ app, actor }, { params }) => {
    await deleteOauthClient(app, actor, params.client);
    return undefined;
  },

  listJobs: async ({ app, actor }, { query }) => {
    const { limit, after, mode, ...filter } = query;
    const modes = mode === undefined ? undefined : [mode];
    requireJobKey(after);
    return listJobs(app, actor, { ...filter, modes }, { limit, after });
  },
  getJob: async ({ app, actor }, { params }) => getJob(app, actor, params.job),
  listChanges: async ({ app, actor }, { params, query }) => {
    const { limit, after, ...filter } = query;
    return listChanges(app, actor, params.job, filter, { limit, after });
  },
  listMessages: async ({ app, actor }, { params, query }) => {
    const { level, ...page } = query;
    return listMessages(app, actor, params.job, page, level);
  },
  approveJob: async ({ app, actor, surface }, { params }) => approveJob(app, actor, params.job, surface),
  undoJob: async ({ app, actor, surface }, { params, body }) =>
    undoJob(app, actor, params.job, { ...body, startedThrough: surface }),
  cancelJob: async ({ app, actor }, { params }) => cancelJob(app, actor, params.job),

  listDirectory: async ({ app, actor }, { params, query }) => {
    const { limit, after, ...filter } = query;
    return listDirectory(app, actor, directorySegments[params.kind], filter, { limit, after });
  },
  getDirectoryObject: async ({ app, actor }, { params }) =>
    getDirectoryObject(app, actor, directorySegments[params.kind], params.object),
  listMembers: async ({ app, actor }, { params, query }) =>
    listMembers(app, actor, directorySegments[params.kind], params.object, query),
  listMemberships: async ({ app, actor }, { params, query }) =>
    listMemberships(app, actor, directorySegments[params.kind], params.object, query),
  listObjectChanges: async ({ app, actor }, { params, query }) =>
    listObjectChanges(app, actor, directorySegments[params.kind], params.object, query),
  createDirectoryObject: async ({ app, actor }, { params, body }) =>
    createDirectoryObject(app, actor, directorySegments[params.kind], body),
  updateDirectoryObject: async ({ app, actor }, { params, body }) =>
    updateDirectoryObject(app, actor, directorySegments[params.kind], params.object, body),
  deleteDirectoryObject: async ({ app, actor }, { params, query }) => {
    await deleteDirectoryObject(app, actor, directorySegments[params.kind], params.object, query);
    return undefined;
  },
  addMember: async ({ app, actor }, { params, query }) => {
    await addMember(app, actor, membershipAddress(params, query));
    return undefined;
  },
  removeMember: async ({ app, actor }, { params, query }) => {
    await removeMember(app, actor, membershipAddress(params, query));
    return undefined;
  },
};
