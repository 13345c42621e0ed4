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

/**
 * Writes by Bulk. Left over are changes that must be sent by themselves: the service did not take the request, did not
 * say what came of them, or takes them in another form only.
 */
export async function writeByBulk(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<{ readonly outcomes: TargetOutcome[]; readonly left: TargetChange[] }> {
  const outcomes: TargetOutcome[] = [];
  const left: TargetChange[] = [];
  await Promise.all(
    chunksOf(writing, changes).map((chunk) =>
      writing.gate.run(async () => {
        const results = writing.ways.bulk ? await send(writing, chunk) : undefined;
        for (const { change } of chunk) {
          const result = results?.get(String(change.ordinal));
          // oxlint-disable-next-line no-await-in-loop -- most need no request
          const outcome = result === undefined ? undefined : await settle(writing, change, result);
          if (outcome === undefined) left.push(change);
          else outcomes.push(outcome);
        }
      }),
    ),
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

/** Results by bulkId; undefined where the service does not take it, which is not tried again. */
async function send(
  { client, ways, signal }: Writing,
  chunk: readonly Operation[],
): Promise<ReadonlyMap<string, JsonObject> | undefined> {
  const response = await client.send({
    method: 'POST',
    path: '/Bulk',
    body: { schemas: [bulkRequestUrn], Operations: chunk.map(({ json }) => json) },
    signal,
  });
  const operations = isJsonObject(response.body) ? readAttribute(response.body, 'Operations') : undefined;
  if (response.status !== 200 || !isJsonList(operations)) {
    ways.bulk = false;
    return undefined;
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
  return Number.isInteger(number) ? number : undefined;
}

/** What a result says of a change; undefined where the same is to be tried in another form. */
async function settle(
  writing: Writing,
  change: TargetChange,
  result: JsonObject,
): Promise<TargetOutcome | undefined> {
  const status = statusOf(result) ?? 500;
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
    if (mayGoOtherwise({ status, body })) return undefined;
    throw answerError({ status, body });
  } catch (error) {
    if (isOfOneObject(error)) return failed(change, error);
    throw error;
  }
}
