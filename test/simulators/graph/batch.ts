import type { Fault, Faults } from './faults/faults.ts';
import { faultResponse } from './faults/responses.ts';
import type { GraphRequest, GraphResponse } from './exchange.ts';
import { GraphError } from './graph-error.ts';
import { asStrings, isJsonObject, type JsonObject } from './json.ts';
import { splitPath } from './paths.ts';
import type { GraphService } from './service.ts';

const mostRequests = 20;

interface BatchItem {
  readonly id: string;
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly dependsOn: readonly string[];
}

/** POST /$batch: each request is answered by itself. @throws GraphError 400 when the batch itself is not well formed. */
export function answerBatch(service: GraphService, faults: Faults, request: GraphRequest): GraphResponse {
  const items = parseBatch(request.body);
  const answers = new Map<string, GraphResponse>();
  for (const item of inOrder(items)) {
    const failed = item.dependsOn.some((id) => (answers.get(id)?.status ?? 500) >= 400);
    answers.set(
      item.id,
      failed ? failedDependency(service, request) : answerItem(service, faults, request, item),
    );
  }
  const ids = items.map((item) => item.id);
  if (service.control.behaviour.batchReversesAnswers) ids.reverse();
  const responses = ids.map((id) => renderAnswer(id, answers.get(id)!));
  return { status: 200, body: { responses } };
}

function answerItem(
  service: GraphService,
  faults: Faults,
  outer: GraphRequest,
  item: BatchItem,
): GraphResponse {
  const { segments, parameters } = splitPath(item.url.replace(/^\/?(v1\.0(?=\/))?/, ''));
  const headers = { ...item.headers, 'client-request-id': outer.headers['client-request-id'] ?? '' };
  const inner: GraphRequest = {
    ...outer,
    method: item.method,
    segments,
    parameters,
    headers,
    body: item.body,
  };
  const fault: Fault | undefined = faults.take(item.method, `/${segments.join('/')}`, true);
  if (!fault || !faultResponse(service, inner, fault)) return service.answer(inner, true);
  if (fault.kind === 'status' && fault.applied) service.answer(inner, true);
  const response = faultResponse(service, inner, fault)!;
  service.record(inner, `/${segments.join('/')}`, response.status, true);
  return response;
}

const failedDependency = (service: GraphService, request: GraphRequest): GraphResponse =>
  service.renderError(
    request,
    new GraphError(424, 'FailedDependency', 'A request that this one depends on has failed.'),
  );

function renderAnswer(id: string, response: GraphResponse): JsonObject {
  const { status, headers, body } = response;
  const named = Object.fromEntries(
    Object.entries(headers ?? {}).map(([name, value]) => [headerName(name), value]),
  );
  return {
    id,
    status,
    headers: {
      'Cache-Control': 'no-cache',
      ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...named,
    },
    ...(body === undefined ? {} : { body }),
  };
}

/** `retry-after` becomes `Retry-After`; those that begin with `x-ms` stay. */
const headerName = (name: string): string =>
  name.startsWith('x-ms') || name === 'request-id'
    ? name
    : name.replace(/(^|-)[a-z]/g, (part) => part.toUpperCase());

/** Requests such that each comes after those it depends on. @throws GraphError 400 for circles and unknown ids. */
function inOrder(items: readonly BatchItem[]): BatchItem[] {
  const ordered: BatchItem[] = [];
  const done = new Set<string>();
  let left = [...items];
  while (left.length > 0) {
    const ready = left.filter((item) => item.dependsOn.every((id) => done.has(id)));
    if (ready.length === 0) throw invalidBatch('A dependsOn of the batch names no request before it.');
    for (const item of ready) done.add(item.id);
    ordered.push(...ready);
    left = left.filter((item) => !done.has(item.id));
  }
  return ordered;
}

function parseBatch(body: unknown): BatchItem[] {
  const requests = isJsonObject(body) ? body['requests'] : undefined;
  if (!Array.isArray(requests)) throw invalidBatch("Invalid batch payload format: 'requests' is missing.");
  if (requests.length > mostRequests)
    throw new GraphError(
      400,
      'MaximumRequestsExceeded',
      `Number of batch request steps exceeds the maximum value of ${mostRequests}.`,
    );
  const items = requests.map(parseItem);
  if (new Set(items.map(({ id }) => id.toLowerCase())).size < items.length)
    throw invalidBatch('The ids of the requests of a batch must be unique.');
  return items;
}

function parseItem(item: unknown): BatchItem {
  if (!isJsonObject(item)) throw invalidBatch('Invalid batch payload format: a request is no object.');
  const { id, method, url, body } = item;
  if (typeof id !== 'string' || id === '')
    throw invalidBatch("Each request of a batch needs an 'id' of text.");
  if (typeof method !== 'string' || typeof url !== 'string')
    throw invalidBatch("Each request of a batch needs a 'method' and a 'url'.");
  if (/^https?:/i.test(url)) throw invalidBatch('The url of a request of a batch must be relative.');
  const headers = lowerCased(item['headers']);
  if (body !== undefined && headers['content-type'] === undefined)
    throw invalidBatch("A request with a 'body' needs a Content-Type among its 'headers'.");
  return {
    id,
    method: method.toUpperCase(),
    url,
    headers,
    body,
    dependsOn: asStrings(item['dependsOn']) ?? [],
  };
}

function lowerCased(headers: unknown): Record<string, string> {
  if (!isJsonObject(headers)) return {};
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)]),
  );
}

const invalidBatch = (message: string): GraphError => new GraphError(400, 'BadRequest', message);
