import { getTarget, noContent, type Exchange, type GraphResponse, type Route } from '../exchange.ts';
import { badRequest, GraphError } from '../graph-error.ts';
import { answerPage } from '../odata/page.ts';
import { contextOf, renderTyped } from '../odata/render.ts';
import type { DirectoryObject, ObjectType } from '../state/directory-object.ts';
import { referencedObject } from './reference-links.ts';

function getManager(exchange: Exchange): GraphResponse {
  const manager = exchange.tenant.references.manager(getTarget(exchange, 'user'));
  if (!manager)
    throw new GraphError(
      404,
      'Request_ResourceNotFound',
      "Resource 'manager' does not exist or one of its queried reference-property objects are not present.",
    );
  const context = `${contextOf(exchange.graphUrl, 'directoryObjects')}/$entity`;
  return { status: 200, body: { '@odata.context': context, ...renderTyped(manager, exchange.query.select) } };
}

function putManager(exchange: Exchange): GraphResponse {
  const user = getTarget(exchange, 'user');
  const manager = referencedObject(exchange, exchange.request.body);
  if (manager.type !== 'user')
    throw badRequest('The reference target must be a user or an organizational contact.');
  if (manager.id === user.id) throw badRequest('A user cannot be its own manager.');
  exchange.tenant.references.setManager(user, manager);
  return noContent;
}

function deleteManager(exchange: Exchange): GraphResponse {
  exchange.tenant.references.setManager(getTarget(exchange, 'user'), undefined);
  return noContent;
}

const related =
  (find: (exchange: Exchange, user: DirectoryObject) => DirectoryObject[], type?: ObjectType) =>
  (exchange: Exchange): GraphResponse =>
    answerPage(exchange, {
      objects: find(exchange, getTarget(exchange, 'user')).filter(
        (object) => type === undefined || object.type === type,
      ),
      type,
      context: type ? `${type}s` : 'directoryObjects',
    });

const memberOf = (exchange: Exchange, object: DirectoryObject): DirectoryObject[] =>
  exchange.tenant.references.memberOf(object);

export const userReferenceRoutes: readonly Route[] = [
  { method: 'GET', pattern: '/users/{id}/manager', handler: getManager },
  { method: 'PUT', pattern: '/users/{id}/manager/$ref', handler: putManager },
  { method: 'DELETE', pattern: '/users/{id}/manager/$ref', handler: deleteManager },
  {
    method: 'GET',
    pattern: '/users/{id}/directReports',
    handler: related((exchange, user) => exchange.tenant.references.directReports(user)),
  },
  { method: 'GET', pattern: '/users/{id}/memberOf', handler: related(memberOf) },
  {
    method: 'GET',
    pattern: '/users/{id}/memberOf/microsoft.graph.group',
    handler: related(memberOf, 'group'),
  },
];
