import type { Exchange, GraphResponse } from '../exchange.ts';
import { badRequest, unsupportedQuery } from '../graph-error.ts';
import type { JsonObject } from '../json.ts';
import type { DirectoryObject, ObjectType } from '../state/directory-object.ts';
import { parseFilter } from './filter.ts';
import { matches } from './filter-match.ts';
import { checkSupport } from './filter-support.ts';
import { checkSelection } from './query.ts';
import { contextOf, renderObject, renderTyped, valueOf, valueOrEmpty } from './render.ts';
import { matchesSearch } from './search.ts';

interface Listing {
  readonly objects: Iterable<DirectoryObject>;
  /** The type of all objects; undefined: they differ, and each says its own. */
  readonly type: ObjectType | undefined;
  /** The fragment of @odata.context. */
  readonly context: string;
}

/** Answers a list: filter, search, order, page. @throws GraphError 400 for what the service does not support. */
export function answerPage(exchange: Exchange, listing: Listing): GraphResponse {
  const { query } = exchange;
  if (query.select && listing.type) checkSelection(listing.type, query.select);
  const found = select(exchange, listing);
  const ordered =
    query.orderby === undefined ? sortByMaking(found) : sortBy(exchange, listing, found, query.orderby);
  const start = startOf(exchange, ordered);
  const size = query.top ?? exchange.control.behaviour.listPageSize;
  const page = ordered.slice(start, start + size);
  const more = start + page.length < ordered.length;
  const body: Record<string, unknown> = {
    '@odata.context': contextOf(exchange.graphUrl, listing.context, query.select),
  };
  if (query.count && query.eventual) body['@odata.count'] = ordered.length;
  const nextLink = nextLinkOf(exchange, page.at(-1), start + page.length, more);
  if (nextLink !== undefined) body['@odata.nextLink'] = nextLink;
  body['value'] = page.map((object) => render(exchange, listing, object));
  return { status: 200, body };
}

/** The number of objects as text. @throws GraphError 400 without ConsistencyLevel. */
export function answerCount(exchange: Exchange, listing: Listing): GraphResponse {
  if (!exchange.query.eventual) throw badRequest('$count is not currently supported.');
  return {
    status: 200,
    headers: { 'content-type': 'text/plain' },
    body: String(select(exchange, listing).length),
  };
}

function select(exchange: Exchange, { objects, type }: Listing): DirectoryObject[] {
  const { query, control } = exchange;
  const visible = [...objects].filter((object) => !control.isHidden(object.id));
  const searched = query.search === undefined ? visible : search(exchange, visible, query.search);
  if (query.filter === undefined) return searched;
  const filter = parseFilter(query.filter);
  checkSupport(type ?? 'user', filter, query);
  return searched.filter((object) => matches(filter, (path) => valueOf(object, path)));
}

function search(exchange: Exchange, objects: readonly DirectoryObject[], text: string): DirectoryObject[] {
  if (!exchange.query.eventual)
    throw unsupportedQuery(
      "Request with $search query parameter only works through MSGraph with a special request header: 'ConsistencyLevel: eventual'",
    );
  return objects.filter((object) => matchesSearch(object, text));
}

const sortByMaking = (objects: DirectoryObject[]): DirectoryObject[] =>
  objects.sort((left, right) => left.ordinal - right.ordinal);

function sortBy(
  exchange: Exchange,
  { type }: Listing,
  objects: DirectoryObject[],
  orderby: string,
): DirectoryObject[] {
  const [name = '', direction = 'asc'] = orderby.trim().split(/\s+/);
  if (type) checkSelection(type, [name]);
  const { query } = exchange;
  const easy = ['displayName', 'userPrincipalName'].includes(name) && query.filter === undefined;
  if (!easy && !(query.eventual && query.count))
    throw unsupportedQuery(
      query.filter === undefined
        ? `Sorting not supported for current query.`
        : `Sorting is not supported with $filter without 'ConsistencyLevel: eventual' and $count=true.`,
    );
  const sign = direction === 'desc' ? -1 : 1;
  const key = (object: DirectoryObject): string => {
    const value = valueOrEmpty(object, name);
    return typeof value === 'string' ? value.toLowerCase() : '';
  };
  return objects.sort((left, right) => sign * (key(left) < key(right) ? -1 : key(left) > key(right) ? 1 : 0));
}

/** Tokens name the last object when lists go by its making, else how many came before. */
function startOf(exchange: Exchange, ordered: readonly DirectoryObject[]): number {
  const token = exchange.query.skiptoken;
  if (token === undefined) return 0;
  const match = /^([mo])~(\d+)~\d*$/.exec(Buffer.from(token, 'base64url').toString('latin1'));
  if (!match) throw badRequest(`The specified page token value is invalid or has expired.`);
  const number = Number(match[2]);
  if (match[1] === 'o') return number;
  const start = ordered.findIndex((object) => object.ordinal > number);
  return start === -1 ? ordered.length : start;
}

let freshTokens = 0;

function nextLinkOf(
  exchange: Exchange,
  last: DirectoryObject | undefined,
  offset: number,
  more: boolean,
): string | undefined {
  const { endlessNextLinks, linkOrigin } = exchange.control.behaviour;
  if (!more && endlessNextLinks === undefined) return undefined;
  const link = new URL(
    `${linkOrigin ?? exchange.graphUrl}/v1.0/${exchange.request.segments.map(encodeURIComponent).join('/')}`,
  );
  const parameters = [...exchange.request.parameters].filter(([name]) => name.toLowerCase() !== '$skiptoken');
  const fresh = endlessNextLinks === 'fresh' ? String((freshTokens += 1)) : '';
  const position = exchange.query.orderby === undefined ? `m~${last?.ordinal ?? 0}` : `o~${offset}`;
  const token = Buffer.from(`${position}~${fresh}`).toString('base64url');
  const repeated = endlessNextLinks === 'same' ? exchange.query.skiptoken : undefined;
  parameters.push(['$skiptoken', repeated ?? token]);
  link.search = parameters.map(([name, value]) => `${name}=${encodeURIComponent(value)}`).join('&');
  return link.href;
}

function render(exchange: Exchange, { type }: Listing, object: DirectoryObject): JsonObject {
  const { select } = exchange.query;
  return type ? renderObject(exchange, object, select) : renderTyped(object, select);
}
