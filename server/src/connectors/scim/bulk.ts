import type { HttpResponse } from '../../http-client/client.ts';
import { isJsonList, isJsonObject, readAttribute, type Json, type JsonObject } from '../../scim/resource.ts';
import { bulkRequestUrn } from '../../scim/urns.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import {
  creation,
  isRemoval,
  lonePatch,
  mayGoOtherwise,
  settleCreation,
  settleDeletion,
  updated,
} from './changes.ts';
import { answerError, failed, isOfOneObject } from './errors.ts';
import { inParallel } from './in-parallel.ts';
import { keysOf } from './order.ts';
import { kindOf, pathOf, type Writing } from './writing.ts';

/** Fewer are sent one by one: what is said about a request of its own is clearer. */
const fewest = 5;
/** Services name limits that they need minutes for. */
const mostOperations = 200;

interface Operation {
  readonly change: TargetChange;
  readonly json: JsonObject;
}

/**
 * The changes of a batch that may go together by Bulk (RFC 7644 section 3.7); none where the service has no Bulk,
 * where a broken batch is mended, and none that shares a name with another change.
 */
export function bulkChanges(writing: Writing, changes: readonly TargetChange[]): TargetChange[] {
  if (!writing.ways.bulk || writing.recovering) return [];
  const counts = new Map<string, number>();
  for (const key of changes.flatMap(keysOf)) counts.set(key, (counts.get(key) ?? 0) + 1);
  const alone = changes.filter(
    (change) =>
      keysOf(change).every((key) => counts.get(key) === 1) && operationOf(writing, change) !== undefined,
  );
  return alone.length < fewest ? [] : alone;
}

/** Why a change is to be sent by itself: it was not carried out, or nobody knows whether it was. */
export type LeftOver = 'undone' | 'doubtful';

/**
 * Writes by Bulk. Left over are changes that must be sent by themselves: the service did not take the request, did not
 * say what came of them, takes them in another form only or later.
 */
export async function writeByBulk(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<{ readonly outcomes: TargetOutcome[]; readonly left: ReadonlyMap<TargetChange, LeftOver> }> {
  const outcomes: TargetOutcome[] = [];
  const left = new Map<TargetChange, LeftOver>();
  const chunks = chunksOf(writing, changes);
  await inParallel(chunks, chunks.length, (chunk) =>
    writing.gate.run(async () => {
      const results = writing.ways.bulk ? await send(writing, chunk) : 'undone';
      for (const { change } of chunk) {
        const result = typeof results === 'string' ? results : results.get(String(change.ordinal));
        // oxlint-disable-next-line no-await-in-loop -- most need no request
        const outcome = typeof result === 'object' ? await settle(writing, change, result) : result;
        if (typeof outcome === 'object') outcomes.push(outcome);
        else left.set(change, outcome ?? 'doubtful');
      }
    }),
  );
  return { outcomes, left };
}

function chunksOf(writing: Writing, changes: readonly TargetChange[]): Operation[][] {
  const { maxOperations = 1, maxPayloadSize = 0 } = writing.service.bulk ?? {};
  const most = Math.min(maxOperations, mostOperations);
  const chunks: Operation[][] = [];
  let size = 0;
  for (const change of changes) {
    const json = operationOf(writing, change) ?? {};
    const length = Buffer.byteLength(JSON.stringify(json)) + 1;
    const last = chunks.at(-1);
    if (last === undefined || last.length >= most || size + length > maxPayloadSize - 200) {
      chunks.push([{ change, json }]);
      size = length;
    } else {
      last.push({ change, json });
      size += length;
    }
  }
  return chunks;
}

/** A change as one operation; undefined for one that takes several requests. */
function operationOf(writing: Writing, change: TargetChange): JsonObject | undefined {
  const kind = kindOf(change);
  const bulkId = String(change.ordinal);
  if (change.verb === 'create')
    return { method: 'POST', path: writing.service.endpoints[kind], bulkId, data: creation(writing, change) };
  if (change.externalId === null) return undefined;
  const path = pathOf(writing, kind, change.externalId);
  if (isRemoval(writing, change)) return { method: 'DELETE', path, bulkId };
  if (change.verb === 'delete') return undefined;
  const data = lonePatch(writing, change);
  return data === undefined ? undefined : { method: 'PATCH', path, bulkId, data };
}

/**
 * Results by bulkId. A service that does not take the request is not asked again; of one that failed on the way nobody
 * knows how far it came.
 */
async function send(
  { client, ways, signal }: Writing,
  chunk: readonly Operation[],
): Promise<ReadonlyMap<string, JsonObject> | LeftOver> {
  const body = { schemas: [bulkRequestUrn], Operations: chunk.map(({ json }) => json) };
  let response: HttpResponse;
  try {
    response = await client.send({ method: 'POST', path: '/Bulk', body, signal });
  } catch (error) {
    if (!isOfOneObject(error)) throw error;
    ways.bulk = false;
    return 'doubtful';
  }
  const operations = isJsonObject(response.body) ? readAttribute(response.body, 'Operations') : undefined;
  if (response.status !== 200 || !isJsonList(operations)) {
    ways.bulk = false;
    const isRefused = (response.status >= 400 && response.status < 500) || response.status === 501;
    return isRefused ? 'undone' : 'doubtful';
  }
  return new Map(
    operations.filter(isJsonObject).flatMap((operation) => {
      const id = readAttribute(operation, 'bulkId');
      return typeof id !== 'string' || statusOf(operation) === undefined ? [] : [[id, operation] as const];
    }),
  );
}

/** A number, a text, or as drafts of the standard had it, an object with a code. */
function statusOf(operation: JsonObject): number | undefined {
  const status = readAttribute(operation, 'status');
  const code = isJsonObject(status ?? null) ? readAttribute(status as JsonObject, 'code') : status;
  const number = Number(code ?? Number.NaN);
  // An empty text is a zero to JavaScript, and would pass for success.
  return Number.isInteger(number) && number >= 200 && number <= 599 ? number : undefined;
}

/** Said of one operation, these are about the moment: the request by itself waits as long as the service wants. */
const passing: readonly number[] = [429, 502, 503, 504];

/** What a result says of a change; else whether it is to be tried in another form, or after a while. */
async function settle(
  writing: Writing,
  change: TargetChange,
  result: JsonObject,
): Promise<TargetOutcome | LeftOver> {
  const status = statusOf(result) ?? 500;
  if (passing.includes(status)) return status === 429 ? 'undone' : 'doubtful';
  const body: Json | undefined = readAttribute(result, 'response');
  const location = readAttribute(result, 'location');
  try {
    if (change.verb === 'create') {
      if (status >= 300) throw answerError({ status, body });
      const headers: Record<string, string> = typeof location === 'string' ? { location } : {};
      return await settleCreation(writing, change, { status, headers, body });
    }
    if (change.verb === 'delete') {
      settleDeletion(writing, { status, body });
      return { ordinal: change.ordinal, ok: true };
    }
    if (status < 300) return updated(change, body);
    if (mayGoOtherwise({ status, body })) return 'undone';
    throw answerError({ status, body });
  } catch (error) {
    if (isOfOneObject(error)) return failed(change, error);
    throw error;
  }
}
