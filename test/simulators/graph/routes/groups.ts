import { getTarget, noContent, type Exchange, type GraphResponse, type Route } from '../exchange.ts';
import { badRequest, invalidValue } from '../graph-error.ts';
import { asStrings, type JsonObject } from '../json.ts';
import { answerCount, answerPage } from '../odata/page.ts';
import { renderEntity } from '../odata/render.ts';
import type { DirectoryObject } from '../state/directory-object.ts';
import { addMembers } from './members.ts';
import { boundObjects } from './reference-links.ts';
import { bodyOf, checkProperties, requireProperties } from './writes.ts';

const requiredOfGroups = ['displayName', 'mailEnabled', 'mailNickname', 'securityEnabled'];
const forbiddenInAlias = /[^\x21-\x7e]|[@()\\[\]";:<>,]/;

const listing = (
  exchange: Exchange,
): { objects: Iterable<DirectoryObject>; type: 'group'; context: string } => ({
  objects: exchange.tenant.list('group'),
  type: 'group',
  context: 'groups',
});

function create(exchange: Exchange): GraphResponse {
  const body = bodyOf(exchange.request.body);
  requireProperties('group', body, requiredOfGroups);
  const properties = checkProperties('group', body);
  checkGroup(properties);
  const members = boundObjects(exchange, body, 'members') ?? [];
  const owners = boundObjects(exchange, body, 'owners') ?? [];
  const now = exchange.tenant.timestamp();
  const group = exchange.tenant.create('group', {
    renewedDateTime: now,
    groupTypes: [],
    proxyAddresses: [],
    ...mailOf(exchange, properties),
    ...properties,
  });
  addMembers(exchange, group, members);
  for (const owner of owners) group.owners.add(owner.id);
  exchange.control.created(group);
  return {
    status: 201,
    headers: {
      location: `${exchange.graphUrl}/v2/${exchange.tenant.settings.tenantId}/directoryObjects/${group.id}/Microsoft.DirectoryServices.Group`,
    },
    body: renderEntity(exchange, group),
  };
}

/** Graph writes security groups and Microsoft 365 groups; distribution lists belong to Exchange. */
function checkGroup(properties: JsonObject): void {
  const { mailNickname, mailEnabled, groupTypes } = properties;
  if (typeof mailNickname === 'string' && forbiddenInAlias.test(mailNickname))
    throw invalidValue('mailNickname', 'Group');
  const unified = asStrings(groupTypes)?.includes('Unified') ?? false;
  if (mailEnabled === true && !unified)
    throw badRequest(
      'The service does not currently support writes of mail-enabled groups. Please ensure that the mail-enablement property is unset and the security-enablement property is set.',
    );
  if (mailEnabled === false && unified) throw invalidValue('mailEnabled', 'Group');
  if (mailEnabled === false && properties['securityEnabled'] === false)
    throw invalidValue('securityEnabled', 'Group');
}

function mailOf(exchange: Exchange, properties: JsonObject): JsonObject {
  if (properties['mailEnabled'] !== true) return {};
  const initial = exchange.tenant.settings.domains.find((domain) => domain.isInitial);
  const mail = `${String(properties['mailNickname'])}@${initial?.name}`;
  return { mail, proxyAddresses: [`SMTP:${mail}`], visibility: 'Public' };
}

/** Properties, or up to twenty members; nothing is changed when one of them is refused. */
function update(exchange: Exchange): GraphResponse {
  const group = getTarget(exchange, 'group');
  const body = bodyOf(exchange.request.body);
  const properties = checkProperties('group', body);
  const { mailNickname } = properties;
  if (typeof mailNickname === 'string' && forbiddenInAlias.test(mailNickname))
    throw invalidValue('mailNickname', 'Group');
  const members = boundObjects(exchange, body, 'members');
  if (members) addMembers(exchange, group, members);
  exchange.tenant.update(group, properties);
  return noContent;
}

function remove(exchange: Exchange): GraphResponse {
  exchange.tenant.delete(getTarget(exchange, 'group'));
  return noContent;
}

export const groupRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/groups', handler: (exchange) => answerPage(exchange, listing(exchange)) },
  {
    method: 'GET',
    pattern: '/groups/$count',
    handler: (exchange) => answerCount(exchange, listing(exchange)),
  },
  { method: 'POST', pattern: '/groups', handler: create },
  {
    method: 'GET',
    pattern: '/groups/{id}',
    handler: (exchange) => ({ status: 200, body: renderEntity(exchange, getTarget(exchange, 'group')) }),
  },
  { method: 'PATCH', pattern: '/groups/{id}', handler: update },
  { method: 'DELETE', pattern: '/groups/{id}', handler: remove },
];
