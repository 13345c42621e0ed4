import { noContent, type Exchange, type GraphResponse, type Route } from '../exchange.ts';
import { badRequest, notFound } from '../graph-error.ts';
import { answerCount, answerPage } from '../odata/page.ts';
import { contextOf, renderTyped } from '../odata/render.ts';
import type { DirectoryObject, ObjectType } from '../state/directory-object.ts';

const base = '/directory/deletedItems';

const listing = (type: ObjectType) => (exchange: Exchange) => ({
  objects: exchange.tenant.list(type, true),
  type,
  context: `${type}s`,
});

function getDeleted(exchange: Exchange): DirectoryObject {
  const id = exchange.parameters['id'] ?? '';
  const object = exchange.tenant.findAny(id);
  if (object?.deletedAt === undefined) throw notFound(id);
  return object;
}

function answer(exchange: Exchange, object: DirectoryObject): GraphResponse {
  const context = `${contextOf(exchange.graphUrl, 'directoryObjects')}/$entity`;
  return { status: 200, body: { '@odata.context': context, ...renderTyped(object, exchange.query.select) } };
}

function purge(exchange: Exchange): GraphResponse {
  exchange.tenant.purge(getDeleted(exchange));
  return noContent;
}

/** Users and Microsoft 365 groups for thirty days after their deletion; here for ever. */
export const deletedItemRoutes: readonly Route[] = [
  ...(['user', 'group'] as const).flatMap((type): Route[] => [
    {
      method: 'GET',
      pattern: `${base}/microsoft.graph.${type}`,
      handler: (exchange) => answerPage(exchange, listing(type)(exchange)),
    },
    {
      method: 'GET',
      pattern: `${base}/microsoft.graph.${type}/$count`,
      handler: (exchange) => answerCount(exchange, listing(type)(exchange)),
    },
  ]),
  {
    method: 'GET',
    pattern: base,
    handler: () => {
      throw badRequest(
        'The type of the deleted items must be named: microsoft.graph.user or microsoft.graph.group.',
      );
    },
  },
  { method: 'GET', pattern: `${base}/{id}`, handler: (exchange) => answer(exchange, getDeleted(exchange)) },
  {
    method: 'POST',
    pattern: `${base}/{id}/restore`,
    handler: (exchange) => answer(exchange, exchange.tenant.restore(getDeleted(exchange).id)),
  },
  { method: 'DELETE', pattern: `${base}/{id}`, handler: purge },
];
