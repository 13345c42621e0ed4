import { getTarget, noContent, type Exchange, type GraphResponse, type Route } from '../exchange.ts';
import { badRequest, notFound } from '../graph-error.ts';
import { answerCount, answerPage } from '../odata/page.ts';
import { isUnified, type DirectoryObject, type ObjectType } from '../state/directory-object.ts';
import { referencedObject } from './reference-links.ts';

/** Adds all, or none when one of them is refused. @throws GraphError 400 */
export function addMembers(
  exchange: Exchange,
  group: DirectoryObject,
  members: readonly DirectoryObject[],
): void {
  const { references } = exchange.tenant;
  const ids = new Set(members.map((member) => member.id));
  if (ids.size < members.length || members.some((member) => references.isMember(group, member)))
    throw badRequest(
      "One or more added object references already exist for the following modified properties: 'members'.",
    );
  if (ids.has(group.id)) throw badRequest('A group cannot be added as a member of itself.');
  if (isUnified(group) && members.some((member) => member.type === 'group'))
    throw badRequest('The group type of a Microsoft 365 group does not support groups as members.');
  if (group.properties['membershipRule'] && members.length > 0)
    throw badRequest(
      'Insufficient privileges to complete the operation: members of a dynamic group come from its rule.',
    );
  for (const member of members) references.addMember(group, member);
}

const add =
  (type: ObjectType) =>
  (exchange: Exchange): GraphResponse => {
    addMembers(exchange, getTarget(exchange, type), [referencedObject(exchange, exchange.request.body)]);
    return noContent;
  };

const remove =
  (type: ObjectType) =>
  (exchange: Exchange): GraphResponse => {
    const group = getTarget(exchange, type);
    const id = exchange.parameters['member'] ?? '';
    const member = exchange.tenant.find(id);
    if (!member || !exchange.tenant.references.isMember(group, member)) throw notFound(id);
    exchange.tenant.references.removeMember(group, member);
    return noContent;
  };

type Find = (exchange: Exchange, group: DirectoryObject) => Iterable<DirectoryObject>;

const direct: Find = (exchange, group) => exchange.tenant.references.members(group);
const transitive: Find = (exchange, group) => exchange.tenant.references.transitiveMembers(group);
const owners: Find = (exchange, group) =>
  [...group.owners].map((id) => exchange.tenant.find(id)).filter((owner) => owner !== undefined);

const listing = (type: ObjectType, find: Find, cast?: ObjectType) => (exchange: Exchange) => ({
  objects: [...find(exchange, getTarget(exchange, type))].filter(
    (member) => cast === undefined || member.type === cast,
  ),
  type: cast,
  context: cast ? `${cast}s` : 'directoryObjects',
});

function lists(type: ObjectType, base: string, find: Find): Route[] {
  const routes: Route[] = [];
  for (const cast of [undefined, 'user', 'group'] as const) {
    const list = listing(type, find, cast);
    const pattern = cast ? `${base}/microsoft.graph.${cast}` : base;
    routes.push(
      { method: 'GET', pattern, handler: (exchange) => answerPage(exchange, list(exchange)) },
      {
        method: 'GET',
        pattern: `${pattern}/$count`,
        handler: (exchange) => answerCount(exchange, list(exchange)),
      },
    );
  }
  return routes;
}

/** Members of groups and of administrative units, in both of the places where these are found. */
export const memberRoutes: readonly Route[] = [
  ...lists('group', '/groups/{id}/transitiveMembers', transitive),
  ...lists('group', '/groups/{id}/owners', owners),
  ...(
    [
      ['group', '/groups/{id}/members'],
      ['administrativeUnit', '/directory/administrativeUnits/{id}/members'],
      ['administrativeUnit', '/administrativeUnits/{id}/members'],
    ] as const
  ).flatMap(([type, base]): Route[] => [
    ...lists(type, base, direct),
    { method: 'POST', pattern: `${base}/$ref`, handler: add(type) },
    { method: 'DELETE', pattern: `${base}/{member}/$ref`, handler: remove(type) },
  ]),
];
