import type { Agent, Dispatcher } from 'undici';
import { LockstepError } from '../kernel/errors.ts';
import { withoutCredentials } from './echo.ts';
import { parseJsonAnswer } from './json-answer.ts';
import type { Pace, PaceCost } from './pace.ts';
import { backoffSeconds, isIdempotent, isRetryable, longestWaitSeconds, retryAfterSeconds } from './retry.ts';
import { type HttpTls, makeAgent, reach, transportFailure } from './transport.ts';
import { cancelled, orCancelled, waitSeconds, type Wait } from './wait.ts';

export interface HttpClientOptions {
  /** Without a slash at its end; paths of requests are appended. */
  readonly baseUrl: string;
  readonly tls?: HttpTls | undefined;
  /** Value of Authorization, asked for before each request. */
  readonly authorize?: (() => Promise<string>) | undefined;
  /** Called after an answer 401; the request is then tried once more. */
  readonly forgetAuthorization?: (() => void) | undefined;
  /** Seconds of one exchange; default 60. */
  readonly timeoutSeconds?: number | undefined;
  /** Default 64 MiB. */
  readonly maxResponseBytes?: number | undefined;
  readonly pace?: Pace | undefined;
  /**
   * Further tries after 429, 502, 503, 504 and broken connections, where the request may be repeated or was not worked
   * on; default 5.
   */
  readonly retries?: number | undefined;
  /** Told of each wait that the system asked for. */
  readonly onThrottled?: ((seconds: number) => void) | undefined;
  /** For messages: 'Microsoft Graph', 'the SCIM service'. */
  readonly systemName: string;
  /** For tests. */
  readonly wait?: Wait | undefined;
}

export interface HttpRequest {
  readonly method: string;
  /** Below the base URL, with a slash first; or an absolute URL of the same origin. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly headers?: Readonly<Record<string, string>> | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as application/x-www-form-urlencoded. */
  readonly form?: Readonly<Record<string, string>> | undefined;
  /** Of the body; default application/json. */
  readonly contentType?: string | undefined;
  /** Whether it may be sent twice; by its method when not given. */
  readonly idempotent?: boolean | undefined;
  /** What it takes of the pace; default 1 of each bucket. */
  readonly cost?: PaceCost | undefined;
  readonly signal: AbortSignal;
}

export interface HttpResponse {
  readonly status: number;
  /** By lower-case name; several of one name are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Parsed JSON; undefined when there is none. */
  readonly body: unknown;
  readonly text: string;
}

/**
 * JSON over HTTP to one origin. Every answer is returned whatever its status, after the tries that make sense.
 * Credentials never leave the origin: other addresses are refused, redirects are not followed, and an answer that says
 * failure comes without those that it shows.
 */
export class HttpClient implements AsyncDisposable {
  readonly #options: HttpClientOptions;
  readonly #base: URL;
  /** Made with the first request. */
  #agent: Promise<Agent> | undefined;
  readonly #wait: Wait;

  constructor(options: HttpClientOptions) {
    this.#options = options;
    this.#base = new URL(options.baseUrl);
    this.#wait = options.wait ?? waitSeconds;
  }

  /**
   * @throws LockstepError ConnectionFailed (with the reason of TLS), ProtocolError (no JSON, too deep, an address of
   * another origin), LimitExceeded (too large), Cancelled.
   */
  async send(request: HttpRequest): Promise<HttpResponse> {
    const url = this.#resolve(request);
    const idempotent = request.idempotent ?? isIdempotent(request.method);
    const tries = 1 + (this.#options.retries ?? 5);
    let mayRenew = this.#options.forgetAuthorization !== undefined;
    for (let attempt = 1; ; attempt += 1) {
      // oxlint-disable-next-line no-await-in-loop -- tries follow each other
      const result = await this.#try(request, url);
      if ('response' in result && result.response.status === 401 && mayRenew) {
        mayRenew = false;
        attempt -= 1;
        this.#options.forgetAuthorization?.();
        continue;
      }
      const seconds = attempt < tries ? this.#secondsToWait(result, attempt, idempotent) : undefined;
      if (seconds === undefined) {
        if ('response' in result) return result.response;
        throw result.failure;
      }
      // oxlint-disable-next-line no-await-in-loop -- tries follow each other
      await this.#wait(seconds, request.signal);
    }
  }

  #connections(): Promise<Agent> {
    const { tls = {}, timeoutSeconds = 60 } = this.#options;
    return (this.#agent ??= makeAgent(tls, timeoutSeconds));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await (await this.#agent?.catch(() => undefined))?.destroy();
  }

  /** Seconds before the next try; undefined when there shall be none. */
  #secondsToWait(result: Result, attempt: number, idempotent: boolean): number | undefined {
    if ('failure' in result) {
      const repeatable = result.reach === 'unsent' || (result.reach === 'lost' && idempotent);
      return repeatable ? backoffSeconds(attempt) : undefined;
    }
    const { status, headers } = result.response;
    if (!isRetryable(status, idempotent)) return undefined;
    const asked = retryAfterSeconds(headers['retry-after']);
    const seconds = asked ?? backoffSeconds(attempt);
    if (seconds > longestWaitSeconds) return undefined;
    if (asked !== undefined || status === 429) {
      this.#options.pace?.penalty(seconds);
      this.#options.onThrottled?.(seconds);
    }
    return seconds;
  }

  async #try(request: HttpRequest, url: URL): Promise<Result> {
    const { pace, authorize } = this.#options;
    await pace?.take(request.cost ?? 1, request.signal);
    const authorization = authorize && (await orCancelled(authorize(), request.signal));
    try {
      return { response: await this.#exchange(request, url, authorization) };
    } catch (error) {
      if (request.signal.aborted) throw cancelled(request.signal);
      return { failure: transportFailure(error, this.#options.systemName, url.origin), reach: reach(error) };
    }
  }

  async #exchange(request: HttpRequest, url: URL, authorization: string | undefined): Promise<HttpResponse> {
    const { timeoutSeconds = 60, systemName } = this.#options;
    const limit = new AbortController();
    const stop = (): void => limit.abort(cancelled(request.signal));
    request.signal.addEventListener('abort', stop, { once: true });
    const timer = setTimeout(() => limit.abort(new TimedOut(timeoutSeconds)), timeoutSeconds * 1000);
    try {
      if (request.signal.aborted) throw cancelled(request.signal);
      const { payload, contentType } = payloadOf(request);
      const agent = await this.#connections();
      const answer = await agent.request({
        origin: url.origin,
        path: url.pathname + url.search,
        method: request.method,
        headers: {
          accept: 'application/json',
          ...(contentType !== undefined && { 'content-type': contentType }),
          ...request.headers,
          ...(authorization !== undefined && { authorization }),
        },
        body: payload ?? null,
        signal: limit.signal,
      });
      const headers = flatHeaders(answer.headers);
      const whole = await this.#readText(answer.body, headers);
      const status = answer.statusCode;
      const proof = {
        authorizations: [authorization, request.headers?.['authorization']],
        form: request.form,
      };
      const text = status < 300 ? whole : withoutCredentials(whole, proof);
      const kind = headers['content-type'] ?? '';
      return {
        status,
        headers,
        text,
        body: parseJsonAnswer(text, { systemName, status, contentType: kind }),
      };
    } catch (error) {
      throw limit.signal.aborted && !request.signal.aborted ? limit.signal.reason : error;
    } finally {
      clearTimeout(timer);
      request.signal.removeEventListener('abort', stop);
    }
  }

  async #readText(body: Dispatcher.ResponseData['body'], headers: HttpResponse['headers']): Promise<string> {
    const { maxResponseBytes = 64 * 1024 * 1024, systemName } = this.#options;
    const chunks: Buffer[] = [];
    let size = 0;
    for await (const chunk of body as AsyncIterable<Buffer>) {
      size += chunk.length;
      if (size > maxResponseBytes) {
        // Leaving the loop closes the connection: the rest is not read.
        throw new LockstepError(
          'LimitExceeded',
          `${systemName} sent an answer of more than ${maxResponseBytes} bytes`,
        );
      }
      chunks.push(chunk);
    }
    const coding = headers['content-encoding'] ?? 'identity';
    if (coding !== 'identity' && size > 0)
      throw new LockstepError(
        'ProtocolError',
        `${systemName} sent an answer in ${coding}, which was not asked for`,
      );
    return Buffer.concat(chunks).toString('utf8');
  }

  #resolve({ path, query = {} }: HttpRequest): URL {
    const { systemName, baseUrl } = this.#options;
    let url: URL;
    try {
      url = new URL(path.startsWith('/') ? baseUrl + path : path);
    } catch (cause) {
      throw new LockstepError('ProtocolError', `${systemName} gave an address that is none`, { cause });
    }
    if (url.origin !== this.#base.origin) {
      throw new LockstepError(
        'ProtocolError',
        `${systemName} points to ${url.origin} instead of ${this.#base.origin}; nothing was sent there`,
      );
    }
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    return url;
  }
}

type Result =
  | { readonly response: HttpResponse }
  | { readonly failure: LockstepError; readonly reach: ReturnType<typeof reach> };

class TimedOut extends Error {
  readonly code = 'ETIMEDOUT';

  constructor(seconds: number) {
    super(`no whole answer within ${seconds} s`);
  }
}

function payloadOf({ body, form, contentType }: HttpRequest): { payload?: string; contentType?: string } {
  if (form !== undefined)
    return {
      payload: new URLSearchParams(form).toString(),
      contentType: contentType ?? 'application/x-www-form-urlencoded',
    };
  if (body === undefined) return {};
  return { payload: JSON.stringify(body), contentType: contentType ?? 'application/json' };
}

function flatHeaders(headers: Record<string, string | string[] | undefined>): Record<string, string> {
  const flat: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined) flat[name.toLowerCase()] = Array.isArray(value) ? value.join(', ') : value;
  }
  return flat;
}
