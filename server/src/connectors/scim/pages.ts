import type { HttpResponse } from '../../http-client/client.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  isJsonList,
  isJsonObject,
  readAttribute,
  type JsonObject,
  type ScimResource,
} from '../../scim/resource.ts';
import { searchRequestUrn } from '../../scim/urns.ts';
import type { ScimClient } from './client.ts';
import { faultOf } from './errors.ts';
import { ListReading, type ListEnd, type ListRequest, type Page } from './list-reading.ts';
import { idOf } from './resource-values.ts';

/**
 * Reads a list to its end, each resource once, by index (RFC 7644 section 3.4.2.4) or by cursor (RFC 9865). By index it
 * goes on until a page brings nothing new, since totals are not always true and pages are often cut shorter than asked
 * for. It ends when the service repeats itself.
 * @throws LockstepError for the first page; later ones end the list with a reason
 */
export async function* readList(
  client: ScimClient,
  request: ListRequest,
): AsyncGenerator<readonly ScimResource[], ListEnd> {
  const reading = new ListReading(request);
  try {
    for (;;) {
      // oxlint-disable-next-line no-await-in-loop -- a page follows from the one before
      const page = await fetchPage(client, request, reading);
      if (page === 'end') return reading.end();
      const fresh = reading.take(page);
      if (fresh.length > 0) yield fresh;
      if (reading.isOver) return reading.end();
    }
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'Cancelled' || reading.count === 0) throw error;
    return {
      reason: `${request.path} broke off after ${reading.count} resources: ${error.message}`,
      warnings: reading.warnings,
    };
  }
}

async function fetchPage(
  client: ScimClient,
  { path, filter, pageSize, signal }: ListRequest,
  reading: ListReading,
): Promise<Page | 'end'> {
  const place = reading.byCursor ? { cursor: reading.cursor } : { startIndex: reading.seen + 1 };
  const query = { ...place, count: pageSize, ...(filter === undefined ? {} : { filter }) };
  const response = reading.bySearch
    ? await client.send({
        method: 'POST',
        path: `${path}/.search`,
        body: { schemas: [searchRequestUrn], ...query },
        signal,
      })
    : await client.send({ method: 'GET', path, query, signal });
  if (response.status === 200) return parsePage(response.body, path);
  if (reading.bySearch) return 'end';
  // Some services refuse to look behind their last page.
  if (reading.count > 0 && !reading.byCursor && (response.status === 400 || response.status === 404))
    return 'end';
  throw unreadable(path, response);
}

function unreadable(path: string, { status, body }: HttpResponse): LockstepError {
  const { detail } = faultOf(status, body);
  const code = status === 403 ? 'Forbidden' : status === 404 ? 'NotFound' : 'ProtocolError';
  const said = detail === '' ? '' : `: ${detail}`;
  return new LockstepError(code, `${path} cannot be read: the SCIM service answered ${status}${said}`, {
    remedy:
      status === 404
        ? 'Check url; where the service has users only, set groups: false.'
        : 'Check that the credentials may read.',
  });
}

function parsePage(body: unknown, path: string): Page {
  if (!isJsonObject(body)) throw notAList(path);
  const resources = readAttribute(body, 'Resources');
  const total = numberOf(body, 'totalResults');
  if (resources === undefined && total === undefined) throw notAList(path);
  if (resources !== undefined && !isJsonList(resources)) throw notAList(path);
  const list = resources ?? [];
  const usable = list.filter((item): item is JsonObject => isJsonObject(item) && idOf(item) !== undefined);
  const cursor = readAttribute(body, 'nextCursor');
  return {
    resources: usable,
    strangers: list.length - usable.length,
    total,
    nextCursor: typeof cursor === 'string' && cursor !== '' ? cursor : undefined,
  };
}

function notAList(path: string): LockstepError {
  return new LockstepError('ProtocolError', `${path} cannot be read: the answer is no list of resources`, {
    remedy: 'Check that url is the base address of a SCIM 2.0 service.',
  });
}

function numberOf(body: JsonObject, name: string): number | undefined {
  const number = Number(readAttribute(body, name) ?? Number.NaN);
  return Number.isSafeInteger(number) && number >= 0 ? number : undefined;
}
