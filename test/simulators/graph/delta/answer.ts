import type { Exchange, GraphResponse, Route } from '../exchange.ts';
import { badRequest, GraphError, unsupportedQuery } from '../graph-error.ts';
import { parseFilter, type Filter } from '../odata/filter.ts';
import { checkSelection } from '../odata/query.ts';
import { collections, contextOf } from '../odata/render.ts';
import type { ObjectType } from '../state/directory-object.ts';
import { preferences } from './preferences.ts';
import { renderRow } from './render-row.ts';
import { paginate, type DeltaRound } from './rounds.ts';
import { changedRows, initialRows } from './rows.ts';
import type { DeltaScope, DeltaToken } from './tokens.ts';

/** Most ids that $filter may name. */
const mostIds = 50;

/** GET /users/delta and its like: the first request of a round, or the next page of one. */
function answerDelta(exchange: Exchange, type: ObjectType): GraphResponse {
  refuseOptions(exchange);
  const { skiptoken, deltatoken } = exchange.query;
  if (skiptoken !== undefined) return continueRound(exchange, type, skiptoken);
  if (deltatoken !== undefined && deltatoken !== '' && deltatoken !== 'latest')
    return laterRound(exchange, type, deltatoken);
  const scope = scopeOf(exchange, type);
  const until = exchange.tenant.log.sequence;
  const { behaviour } = exchange.control;
  const rows =
    deltatoken === 'latest' ? [] : initialRows(exchange.tenant, scope, behaviour.deltaTellsDeletedAtFirst);
  const size = preferences(exchange).maxPageSize ?? behaviour.deltaPageSize;
  const layout = deltatoken === 'latest' ? { ...behaviour, deltaEmptyPages: 0 } : behaviour;
  const pages = paginate(rows, size, layout);
  return answer(exchange, exchange.rounds.begin({ scope, pages, since: until, until, initial: true }), 0);
}

function laterRound(exchange: Exchange, type: ObjectType, text: string): GraphResponse {
  const token = exchange.rounds.sealer.open(text);
  if (token?.kind !== 'delta' || token.type !== type)
    throw badRequest('The specified delta token is invalid.');
  checkLife(exchange, token);
  const { behaviour } = exchange.control;
  const until = exchange.tenant.log.sequence;
  const { select, ids } = token;
  const scope: DeltaScope = { type, select: exchange.query.select ?? select, ids };
  if (exchange.query.select) checkSelection(type, exchange.query.select, true);
  const since = behaviour.deltaReplays ? token.before : token.since;
  const rows = changedRows(exchange.tenant, scope, since, until);
  const pages = paginate(rows, preferences(exchange).maxPageSize ?? behaviour.deltaPageSize, behaviour);
  return answer(
    exchange,
    exchange.rounds.begin({ scope, pages, since: token.since, until, initial: false }),
    0,
  );
}

function continueRound(exchange: Exchange, type: ObjectType, text: string): GraphResponse {
  const token = exchange.rounds.sealer.open(text);
  if (token?.kind !== 'skip' || token.type !== type)
    throw badRequest('The specified page token value is invalid.');
  const round = exchange.rounds.find(token.round);
  if (!round)
    throw gone(exchange, type, 'resyncRequired', 'Resync is required: the round is no longer known.');
  return answer(exchange, round, token.page);
}

/** Delta links die after a time, and all at once when a tenant is moved. */
function checkLife(exchange: Exchange, token: DeltaToken): void {
  const { type } = token;
  if (token.generation !== exchange.rounds.generation)
    throw gone(
      exchange,
      type,
      'resyncRequired',
      'Resync is required. Replace any local items with the items of the service.',
    );
  const age = (exchange.tenant.settings.now() - token.issuedAt) / 1000;
  if (age > exchange.control.behaviour.deltaTokenSeconds)
    throw gone(
      exchange,
      type,
      'syncStateNotFound',
      'The sync state generation is not found; the delta token has expired.',
    );
}

function gone(exchange: Exchange, type: ObjectType, code: string, message: string): GraphError {
  const location = `${exchange.graphUrl}/v1.0/${collections[type]}/delta?$deltatoken=`;
  return new GraphError(410, code, message, { headers: { location } });
}

function answer(exchange: Exchange, round: DeltaRound, page: number): GraphResponse {
  const { scope } = round;
  const { behaviour } = exchange.control;
  const { minimal } = preferences(exchange);
  const changedOnly = !round.initial && (minimal || behaviour.deltaChangedPropertiesOnly);
  const last = page >= round.pages.length - 1;
  const links =
    last && behaviour.endlessNextLinks === undefined
      ? deltaLink(exchange, round)
      : nextLink(exchange, round, page + 1);
  const rows = round.pages[page] ?? [];
  return {
    status: 200,
    ...(minimal ? { headers: { 'preference-applied': 'return=minimal' } } : {}),
    body: {
      '@odata.context': contextOf(exchange.graphUrl, collections[scope.type], scope.select),
      ...links,
      value: rows.map((row) => renderRow(exchange.tenant, scope, row, changedOnly)),
    },
  };
}

function nextLink(exchange: Exchange, round: DeltaRound, page: number): Record<string, string> {
  const { endlessNextLinks, linkOrigin } = exchange.control.behaviour;
  const { type } = round.scope;
  const fresh = exchange.rounds.sealer.seal({ kind: 'skip', type, round: round.id, page });
  const token = endlessNextLinks === 'same' ? (exchange.query.skiptoken ?? fresh) : fresh;
  return {
    '@odata.nextLink': `${linkOrigin ?? exchange.graphUrl}/v1.0/${collections[type]}/delta?$skiptoken=${token}`,
  };
}

function deltaLink(exchange: Exchange, round: DeltaRound): Record<string, string> {
  const { type } = round.scope;
  const token = exchange.rounds.sealer.seal({
    kind: 'delta',
    ...round.scope,
    since: round.until,
    before: round.since,
    issuedAt: exchange.tenant.settings.now(),
    generation: exchange.rounds.generation,
  });
  const origin = exchange.control.behaviour.linkOrigin ?? exchange.graphUrl;
  return { '@odata.deltaLink': `${origin}/v1.0/${collections[type]}/delta?$deltatoken=${token}` };
}

function refuseOptions(exchange: Exchange): void {
  const { query } = exchange;
  const refused = [
    ['$top', query.top],
    ['$orderby', query.orderby],
    ['$search', query.search],
    ['$expand', query.expand.length > 0 ? 'given' : undefined],
  ].find(([, value]) => value !== undefined);
  if (refused) throw badRequest(`'${refused[0]}' is not supported for delta queries.`);
  if (query.select && query.skiptoken !== undefined)
    throw badRequest("Delta queries with both '$select' and '$skiptoken' are not supported.");
}

function scopeOf(exchange: Exchange, type: ObjectType): DeltaScope {
  const { select, filter } = exchange.query;
  if (select) checkSelection(type, select, true);
  const ids = filter === undefined ? undefined : filteredIds(parseFilter(filter));
  if (ids && ids.length > mostIds)
    throw badRequest(`At most ${mostIds} objects can be filtered in a delta query.`);
  return { type, select, ids };
}

/** Delta queries filter by object id only. */
function filteredIds(filter: Filter): string[] {
  if (filter.kind === 'or') return [...filteredIds(filter.left), ...filteredIds(filter.right)];
  if (filter.kind === 'compare' && filter.operator === 'eq' && filter.path === 'id')
    return [String(filter.value)];
  throw unsupportedQuery('Unsupported query filter of a delta query: objects can be filtered by id only.');
}

export const deltaRoutes: readonly Route[] = (
  [
    ['/users', 'user'],
    ['/groups', 'group'],
    ['/directory/administrativeUnits', 'administrativeUnit'],
    ['/administrativeUnits', 'administrativeUnit'],
  ] as const
).flatMap(([base, type]) =>
  ['delta', 'delta()', 'microsoft.graph.delta', 'microsoft.graph.delta()'].map((name): Route => ({
    method: 'GET',
    pattern: `${base}/${name}`,
    handler: (exchange) => answerDelta(exchange, type),
  })),
);
