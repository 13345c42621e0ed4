import type { HttpClient, HttpResponse } from '../../http-client/client.ts';
import { isJsonObject, type JsonObject, type ScimResource } from '../../scim/resource.ts';
import { scimMediaType } from '../../scim/urns.ts';
import { answerError, batchError } from './errors.ts';

export interface ScimRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base address. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>> | undefined;
  readonly body?: JsonObject | undefined;
  /** Entity tag that the resource must still have (RFC 7644 section 3.14). */
  readonly ifMatch?: string | undefined;
  readonly signal: AbortSignal;
}

/** SCIM messages over HTTP. Nothing here knows what a directory is. */
export class ScimClient implements AsyncDisposable {
  readonly #http: Pick<HttpClient, 'send'>;
  readonly #dispose: () => Promise<void>;

  constructor(http: Pick<HttpClient, 'send'>, dispose: () => Promise<void>) {
    this.#http = http;
    this.#dispose = dispose;
  }

  /**
   * The answer, whatever its status, but for those that say that no request will be answered now.
   * @throws LockstepError AuthenticationRejected, RateLimited, ConnectionFailed, ProtocolError, LimitExceeded, Cancelled
   */
  async send({ method, path, query, body, ifMatch, signal }: ScimRequest): Promise<HttpResponse> {
    const response = await this.#http.send({
      method,
      path,
      query,
      body,
      contentType: scimMediaType,
      headers: { accept: scimMediaType, ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }) },
      // What is sent as PATCH here comes to the same when it is sent twice.
      idempotent: method !== 'POST',
      signal,
    });
    const error = batchError(response);
    if (error !== undefined) throw error;
    return response;
  }

  /** The resource of a successful answer, undefined when it has none. @throws LockstepError for any other answer. */
  async exchange(request: ScimRequest): Promise<ScimResource | undefined> {
    const response = await this.send(request);
    if (response.status >= 300) throw answerError(response);
    return isJsonObject(response.body) ? response.body : undefined;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#dispose();
  }
}
