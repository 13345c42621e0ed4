import { getTarget, noContent, type Exchange, type GraphResponse, type Route } from '../exchange.ts';
import { badRequest } from '../graph-error.ts';
import { asObject } from '../json.ts';
import { answerCount, answerPage } from '../odata/page.ts';
import { renderEntity } from '../odata/render.ts';
import type { DirectoryObject } from '../state/directory-object.ts';
import { checkUser, requirePassword } from './user-rules.ts';
import { bodyOf, checkProperties, requireProperties } from './writes.ts';

const requiredOfUsers = ['accountEnabled', 'displayName', 'mailNickname', 'userPrincipalName'];

const listing = (
  exchange: Exchange,
): { objects: Iterable<DirectoryObject>; type: 'user'; context: string } => ({
  objects: exchange.tenant.list('user'),
  type: 'user',
  context: 'users',
});

function create(exchange: Exchange): GraphResponse {
  const body = bodyOf(exchange.request.body);
  requireProperties('user', body, requiredOfUsers);
  requirePassword(body);
  const properties = checkProperties('user', body);
  checkUser(exchange.tenant, body);
  const user = exchange.tenant.create('user', { userType: 'Member', assignedLicenses: [], ...properties });
  exchange.control.created(user);
  return {
    status: 201,
    headers: {
      location: `${exchange.graphUrl}/v2/${exchange.tenant.settings.tenantId}/directoryObjects/${user.id}/Microsoft.DirectoryServices.User`,
    },
    body: renderEntity(exchange, user),
  };
}

function update(exchange: Exchange): GraphResponse {
  const user = getTarget(exchange, 'user');
  const body = bodyOf(exchange.request.body);
  const properties = checkProperties('user', body);
  checkUser(exchange.tenant, body);
  refuseSynced(user, Object.keys(properties));
  const extension = properties['onPremisesExtensionAttributes'];
  const merged = extension
    ? {
        ...properties,
        onPremisesExtensionAttributes: {
          ...asObject(user.properties['onPremisesExtensionAttributes']),
          ...asObject(extension),
        },
      }
    : properties;
  exchange.tenant.update(user, merged);
  return noContent;
}

/** Users that a local Active Directory masters are changed there, but for what only the cloud knows. */
function refuseSynced(user: DirectoryObject, names: readonly string[]): void {
  const cloudOnly = ['usageLocation', 'passwordPolicies', 'employeeHireDate', 'showInAddressList'];
  if (user.properties['onPremisesSyncEnabled'] !== true || names.every((name) => cloudOnly.includes(name)))
    return;
  throw badRequest(
    'Unable to update the specified properties for on-premises mastered Directory Sync objects or objects currently undergoing migration.',
  );
}

function remove(exchange: Exchange): GraphResponse {
  exchange.tenant.delete(getTarget(exchange, 'user'));
  return noContent;
}

function assignLicense(exchange: Exchange): GraphResponse {
  const user = getTarget(exchange, 'user');
  const { addLicenses, removeLicenses } = bodyOf(exchange.request.body);
  if (!Array.isArray(addLicenses) || !Array.isArray(removeLicenses))
    throw badRequest(
      "One or more parameters of the function import 'assignLicense' are missing from the request payload.",
    );
  if (typeof user.properties['usageLocation'] !== 'string')
    throw badRequest('License assignment cannot be done for user with invalid usage location.');
  const skus = exchange.tenant.settings.skus.map((sku) => sku.skuId);
  const added = (addLicenses as { skuId: string; disabledPlans?: string[] }[]).map(
    ({ skuId, disabledPlans }) => ({
      disabledPlans: disabledPlans ?? [],
      skuId,
    }),
  );
  const unknown = added.find(({ skuId }) => !skus.includes(skuId));
  if (unknown) throw badRequest(`License ${unknown.skuId} does not correspond to a valid company License.`);
  const before = (user.properties['assignedLicenses'] ?? []) as { skuId: string }[];
  const gone = [...(removeLicenses as string[]), ...added.map(({ skuId }) => skuId)];
  const kept = before.filter(({ skuId }) => !gone.includes(skuId));
  exchange.tenant.update(user, { assignedLicenses: [...kept, ...added] });
  return { status: 200, body: renderEntity(exchange, user) };
}

export const userRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/users', handler: (exchange) => answerPage(exchange, listing(exchange)) },
  {
    method: 'GET',
    pattern: '/users/$count',
    handler: (exchange) => answerCount(exchange, listing(exchange)),
  },
  { method: 'POST', pattern: '/users', handler: create },
  {
    method: 'GET',
    pattern: '/users/{id}',
    handler: (exchange) => ({ status: 200, body: renderEntity(exchange, getTarget(exchange, 'user')) }),
  },
  { method: 'PATCH', pattern: '/users/{id}', handler: update },
  { method: 'DELETE', pattern: '/users/{id}', handler: remove },
  { method: 'POST', pattern: '/users/{id}/assignLicense', handler: assignLicense },
];
