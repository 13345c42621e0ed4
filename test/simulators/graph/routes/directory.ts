import {
  getObject,
  getTarget,
  noContent,
  type Exchange,
  type GraphResponse,
  type Route,
} from '../exchange.ts';
import { badRequest, notFound } from '../graph-error.ts';
import { asStrings } from '../json.ts';
import { answerPage } from '../odata/page.ts';
import { contextOf, renderEntity, renderTyped } from '../odata/render.ts';
import type { Domain } from '../state/tenant.ts';
import { bodyOf, checkProperties, requireProperties } from './writes.ts';

const list = (exchange: Exchange, context: string, value: readonly unknown[]): GraphResponse => ({
  status: 200,
  body: { '@odata.context': contextOf(exchange.graphUrl, context), value },
});

function organization(exchange: Exchange): GraphResponse {
  const { tenantId, displayName, domains } = exchange.tenant.settings;
  const verifiedDomains = domains
    .filter((domain) => domain.isVerified !== false)
    .map((domain) => ({
      capabilities: 'Email, OfficeCommunicationsOnline',
      isDefault: domain.isDefault === true,
      isInitial: domain.isInitial === true,
      name: domain.name,
      type: 'Managed',
    }));
  return list(exchange, 'organization', [
    {
      id: tenantId,
      displayName,
      deletedDateTime: null,
      tenantType: 'AAD',
      verifiedDomains,
      assignedPlans: [],
    },
  ]);
}

const renderDomain = (domain: Domain): Record<string, unknown> => ({
  authenticationType: 'Managed',
  availabilityStatus: null,
  id: domain.name,
  isAdminManaged: true,
  isDefault: domain.isDefault === true,
  isInitial: domain.isInitial === true,
  isRoot: true,
  isVerified: domain.isVerified !== false,
  supportedServices: ['Email', 'OfficeCommunicationsOnline'],
});

function getDomain(exchange: Exchange): GraphResponse {
  const name = exchange.parameters['id'] ?? '';
  const domain = exchange.tenant.settings.domains.find((known) => known.name === name.toLowerCase());
  if (!domain) throw notFound(name);
  const context = `${contextOf(exchange.graphUrl, 'domains')}/$entity`;
  return { status: 200, body: { '@odata.context': context, ...renderDomain(domain) } };
}

function subscribedSkus(exchange: Exchange): GraphResponse {
  const { tenantId, skus } = exchange.tenant.settings;
  const licences = [...exchange.tenant.list('user')].flatMap(
    (user) => (user.properties['assignedLicenses'] ?? []) as { skuId: string }[],
  );
  const value = skus.map((sku) => ({
    id: `${tenantId}_${sku.skuId}`,
    appliesTo: 'User',
    capabilityStatus: 'Enabled',
    consumedUnits: licences.filter(({ skuId }) => skuId === sku.skuId).length,
    prepaidUnits: { enabled: sku.units, suspended: 0, warning: 0 },
    servicePlans: [],
    skuId: sku.skuId,
    skuPartNumber: sku.skuPartNumber,
  }));
  return list(exchange, 'subscribedSkus', value);
}

function getDirectoryObject(exchange: Exchange): GraphResponse {
  const object = getObject(exchange, exchange.parameters['id'] ?? '');
  const context = `${contextOf(exchange.graphUrl, 'directoryObjects')}/$entity`;
  return { status: 200, body: { '@odata.context': context, ...renderTyped(object, exchange.query.select) } };
}

function getByIds(exchange: Exchange): GraphResponse {
  const { ids, types } = bodyOf(exchange.request.body);
  const wanted = asStrings(ids);
  if (!wanted || wanted.length > 1000) throw badRequest('Up to 1000 ids are expected.');
  const found = wanted
    .map((id) => exchange.tenant.find(id))
    .filter((object) => object !== undefined)
    .filter((object) => asStrings(types)?.includes(object.type) ?? true);
  return list(
    exchange,
    'directoryObjects',
    found.map((object) => renderTyped(object, exchange.query.select)),
  );
}

const base = '/directory/administrativeUnits';

function createUnit(exchange: Exchange): GraphResponse {
  const body = bodyOf(exchange.request.body);
  requireProperties('administrativeUnit', body, ['displayName']);
  const unit = exchange.tenant.create('administrativeUnit', checkProperties('administrativeUnit', body));
  exchange.control.created(unit);
  return { status: 201, body: renderEntity(exchange, unit) };
}

function updateUnit(exchange: Exchange): GraphResponse {
  const unit = getTarget(exchange, 'administrativeUnit');
  exchange.tenant.update(unit, checkProperties('administrativeUnit', bodyOf(exchange.request.body)));
  return noContent;
}

function deleteUnit(exchange: Exchange): GraphResponse {
  exchange.tenant.delete(getTarget(exchange, 'administrativeUnit'));
  return noContent;
}

const unitRoutes: readonly Route[] = [base, '/administrativeUnits'].flatMap((pattern): Route[] => [
  {
    method: 'GET',
    pattern,
    handler: (exchange) =>
      answerPage(exchange, {
        objects: exchange.tenant.list('administrativeUnit'),
        type: 'administrativeUnit',
        context: 'directory/administrativeUnits',
      }),
  },
  { method: 'POST', pattern, handler: createUnit },
  {
    method: 'GET',
    pattern: `${pattern}/{id}`,
    handler: (exchange) => ({
      status: 200,
      body: renderEntity(exchange, getTarget(exchange, 'administrativeUnit')),
    }),
  },
  { method: 'PATCH', pattern: `${pattern}/{id}`, handler: updateUnit },
  { method: 'DELETE', pattern: `${pattern}/{id}`, handler: deleteUnit },
]);

export const directoryRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/organization', handler: organization },
  {
    method: 'GET',
    pattern: '/domains',
    handler: (exchange) => list(exchange, 'domains', exchange.tenant.settings.domains.map(renderDomain)),
  },
  { method: 'GET', pattern: '/domains/{id}', handler: getDomain },
  { method: 'GET', pattern: '/subscribedSkus', handler: subscribedSkus },
  { method: 'GET', pattern: '/directoryObjects/{id}', handler: getDirectoryObject },
  { method: 'POST', pattern: '/directoryObjects/getByIds', handler: getByIds },
  ...unitRoutes,
];
