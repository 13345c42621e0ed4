import { backoffSeconds, longestWaitSeconds, retryAfterSeconds } from '../../http-client/retry.ts';
import { waitSeconds, type Wait } from '../../http-client/wait.ts';
import { LockstepError } from '../../kernel/errors.ts';
import { type GraphFault, isPassing, parseFault } from './graph-error.ts';
import type { GraphClient } from './graph-client.ts';
import { readCost, writeCost } from './pace.ts';

/** One request of many. */
export interface BatchItem {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'PUT' | 'DELETE';
  /** Below `/v1.0`, with a slash first. */
  readonly url: string;
  readonly body?: unknown;
  /** A create costs more. */
  readonly creates?: boolean | undefined;
  /** It is not sent again where an earlier try may have been carried out: the caller looks first. */
  readonly once?: boolean | undefined;
}

export type BatchAnswer =
  | { readonly ok: true; readonly body: Readonly<Record<string, unknown>>; readonly doubtful: boolean }
  /** `doubtful`: an earlier try of it may have been carried out. */
  | { readonly ok: false; readonly fault: GraphFault; readonly doubtful: boolean };

/** Graph takes twenty at once (JSON batching). */
export const batchSize = 20;
/** Batches under way at a time: with the time that twenty writes take, enough for the quota of writes. */
const underWay = 4;
const mostTries = 8;

interface Pending {
  readonly item: BatchItem;
  readonly index: number;
  tries: number;
  doubtful: boolean;
}

interface Told {
  readonly id?: unknown;
  readonly status?: unknown;
  readonly headers?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
}

/** Sends requests twenty at a time and answers for each. */
export class BatchSender {
  readonly #graph: GraphClient;
  readonly #wait: Wait;

  constructor(graph: GraphClient, wait: Wait = waitSeconds) {
    this.#graph = graph;
    this.#wait = wait;
  }

  /**
   * Sends all, in no order. Items that are throttled, or whose answer did not come, are sent again by themselves.
   * @throws LockstepError ConnectionFailed when Graph is out of reach, also for a single item for long.
   */
  async send(items: readonly BatchItem[], signal: AbortSignal): Promise<BatchAnswer[]> {
    const answers: BatchAnswer[] = [];
    let waiting: Pending[] = items.map((item, index) => ({ item, index, tries: 0, doubtful: false }));
    while (waiting.length > 0) {
      const again: Pending[] = [];
      const chunks = chunked(waiting);
      const workers = Array.from({ length: Math.min(underWay, chunks.length) }, async () => {
        for (let chunk = chunks.shift(); chunk !== undefined; chunk = chunks.shift())
          again.push(...(await this.#sendChunk(chunk, answers, signal)));
      });
      // oxlint-disable-next-line no-await-in-loop -- rounds follow each other
      const results = await Promise.allSettled(workers);
      for (const result of results) if (result.status === 'rejected') throw result.reason;
      waiting = again;
    }
    return answers;
  }

  /** Waits so many seconds, for Graph to tell all its servers of what is new. */
  async pause(seconds: number, signal: AbortSignal): Promise<void> {
    await this.#wait(seconds, signal);
  }

  async #sendChunk(
    chunk: readonly Pending[],
    answers: BatchAnswer[],
    signal: AbortSignal,
  ): Promise<Pending[]> {
    const writes = chunk.filter(({ item }) => item.method !== 'GET').length;
    const creates = chunk.filter(({ item }) => item.creates === true).length;
    const cost = writes === 0 ? { units: chunk.length } : writeCost(writes, creates);
    const told = await this.#graph.postBatch(
      chunk.map(({ item }, position) => renderItem(item, position)),
      chunk.length === 0 ? readCost : cost,
      signal,
    );
    const byId = new Map((told as Told[]).map((answer) => [String(answer?.id), answer]));
    const again: Pending[] = [];
    let seconds = 0;
    for (const [position, pending] of chunk.entries()) {
      const answer = readAnswer(byId.get(String(position)), pending.doubtful);
      if (answer.ok || !isRepeatable(answer.fault, pending.item)) {
        answers[pending.index] = answer;
        continue;
      }
      pending.tries += 1;
      const asked = retryAfterSeconds(headerOf(byId.get(String(position)), 'retry-after'));
      if (pending.tries >= mostTries || (asked ?? 0) > longestWaitSeconds)
        throw outOfReach(answer.fault, pending.tries, asked);
      pending.doubtful = answer.doubtful;
      seconds = Math.max(seconds, asked ?? backoffSeconds(pending.tries));
      again.push(pending);
    }
    if (again.length > 0) {
      this.#graph.pace.penalty(seconds);
      await this.#wait(seconds, signal);
    }
    return again;
  }
}

function chunked(items: readonly Pending[]): Pending[][] {
  const chunks: Pending[][] = [];
  for (let start = 0; start < items.length; start += batchSize)
    chunks.push(items.slice(start, start + batchSize));
  return chunks;
}

function renderItem({ method, url, body }: BatchItem, position: number): unknown {
  return {
    id: String(position),
    method,
    url,
    ...(body !== undefined && { body, headers: { 'Content-Type': 'application/json' } }),
  };
}

const noAnswer: GraphFault = { status: 504, code: '', message: 'no answer', target: undefined, codes: [] };

function readAnswer(told: Told | undefined, doubtful: boolean): BatchAnswer {
  if (told === undefined || typeof told.status !== 'number')
    return { ok: false, fault: noAnswer, doubtful: true };
  const { status, body } = told;
  if (status >= 200 && status < 300)
    return {
      ok: true,
      body: typeof body === 'object' && body !== null ? (body as Record<string, unknown>) : {},
      doubtful,
    };
  const fault = parseFault(status, body);
  return { ok: false, fault, doubtful: doubtful || leavesDoubt(fault) };
}

/** What was throttled was not worked on; of what else fails in passing nobody knows. */
function leavesDoubt(fault: GraphFault): boolean {
  return fault.status !== 429 && isPassing(fault);
}

function headerOf(told: Told | undefined, name: string): string | undefined {
  const found = Object.entries(told?.headers ?? {}).find(([key]) => key.toLowerCase() === name);
  return found === undefined ? undefined : String(found[1]);
}

/** Each of these may be sent again: a create that was carried out nevertheless is found to exist already. */
function isRepeatable(fault: GraphFault, { method, once }: BatchItem): boolean {
  if (once === true && leavesDoubt(fault)) return false;
  return isPassing(fault) || (fault.status === 500 && method !== 'POST' && fault.code === '');
}

function outOfReach({ status, message }: GraphFault, tries: number, asked?: number): LockstepError {
  const how = tries < mostTries ? `and asks to wait ${asked} seconds` : `${tries} times in a row`;
  return new LockstepError('ConnectionFailed', `Microsoft Graph answered ${status} ${how}: ${message}`, {
    remedy: 'It is busy or throttles: the batch is tried again later.',
  });
}
