import type { Exchange } from '../exchange.ts';
import { unsupportedQuery } from '../graph-error.ts';
import type { JsonObject } from '../json.ts';
import { odataType, type DirectoryObject, type ObjectType } from '../state/directory-object.ts';
import { defaultSelection, findRule, navigations, propertyTables } from './properties.ts';
import { checkSelection, type Expansion } from './query.ts';

/** Most members that $expand brings. */
const expandedMembers = 20;

/** The value of a property as the API gives it; undefined when it was never set or is never given. */
export function valueOf(object: DirectoryObject, name: string): unknown {
  if (name === 'id') return object.id;
  if (name === 'deletedDateTime') return object.deletedAt;
  return findRule(object.type, name)?.writeOnly ? undefined : object.properties[name];
}

/** As valueOf, with what the API gives for a property that was never set. */
export function valueOrEmpty(object: DirectoryObject, name: string): unknown {
  const value = valueOf(object, name);
  if (value !== undefined) return value;
  const type = findRule(object.type, name)?.type;
  return type === 'strings' || type === 'objects' ? [] : null;
}

/** The properties of an object: those selected, else the default set. */
export function renderProperties(object: DirectoryObject, select: readonly string[] | undefined): JsonObject {
  const all = select?.includes('*') ? Object.keys(propertyTables[object.type]) : undefined;
  const names = all ?? select ?? defaultSelection(object.type);
  const shown = names.filter(
    (name) => !findRule(object.type, name)?.writeOnly && findRule(object.type, name),
  );
  return Object.fromEntries(shown.map((name) => [name, valueOrEmpty(object, name)]));
}

/** An object with what is expanded. @throws GraphError 400 for navigations that cannot be expanded. */
export function renderObject(
  exchange: Exchange,
  object: DirectoryObject,
  select: readonly string[] | undefined,
): JsonObject {
  const rendered: Record<string, unknown> = { ...renderProperties(object, select) };
  for (const expansion of exchange.query.expand)
    rendered[expansion.name] = expand(exchange, object, expansion);
  return rendered;
}

/** An object within a list of different types. */
export function renderTyped(object: DirectoryObject, select: readonly string[] | undefined): JsonObject {
  return { '@odata.type': odataType(object.type), ...renderProperties(object, select) };
}

/** `users`, `users(displayName,id)`: the fragment of @odata.context. */
export function contextOf(graphUrl: string, collection: string, select?: readonly string[]): string {
  return `${graphUrl}/v1.0/$metadata#${collection}${select ? `(${select.join(',')})` : ''}`;
}

export const collections: Readonly<Record<ObjectType, string>> = {
  user: 'users',
  group: 'groups',
  administrativeUnit: 'directory/administrativeUnits',
};

/** A single object as a whole answer. */
export function renderEntity(exchange: Exchange, object: DirectoryObject): JsonObject {
  const { select } = exchange.query;
  if (select) checkSelection(object.type, select);
  const context = `${contextOf(exchange.graphUrl, collections[object.type], select)}/$entity`;
  return { '@odata.context': context, ...renderObject(exchange, object, select) };
}

function expand(exchange: Exchange, object: DirectoryObject, { name, select }: Expansion): unknown {
  if (!navigations[object.type].includes(name)) checkSelection(object.type, [name]);
  const { references } = exchange.tenant;
  switch (name) {
    case 'manager': {
      const manager = references.manager(object);
      return manager && renderTyped(manager, select);
    }
    case 'members':
      return references
        .members(object)
        .slice(0, expandedMembers)
        .map((member) => renderTyped(member, select));
    case 'memberOf':
      return references
        .memberOf(object)
        .slice(0, expandedMembers)
        .map((group) => renderTyped(group, select));
    default:
      throw unsupportedQuery(`$expand=${name} is not supported.`);
  }
}
