import { LockstepError } from '../kernel/errors.ts';
import type { HttpClient, HttpResponse } from './client.ts';
import { authenticateClient, type ClientCredential } from './client-assertion.ts';

export interface OAuthTokenOptions {
  /** For the token endpoint's origin, without authorization of its own. */
  readonly client: HttpClient;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly credential: ClientCredential;
  readonly scope?: string | undefined;
  /** Further parameters of the request. */
  readonly parameters?: Readonly<Record<string, string>> | undefined;
  /** For messages: 'Microsoft Entra ID', 'the authorization server'. */
  readonly systemName: string;
  /** Makes an error of an answer that is none of success; by default from its `error` (RFC 6749 section 5.2). */
  readonly explain?: ((response: HttpResponse) => LockstepError) | undefined;
  /** Milliseconds since 1970; for tests. */
  readonly now?: (() => number) | undefined;
}

interface Token {
  readonly authorization: string;
  readonly expiresAt: number;
  readonly renewAt: number;
}

/** Renewed so long before its end that a request under way does not meet it. */
const marginSeconds = 300;

/** An access token of the client credentials grant (RFC 6749 section 4.4): asked for once, kept, renewed before it ends. */
export class OAuthToken {
  readonly #options: OAuthTokenOptions;
  #token: Token | undefined;
  #asking: Promise<Token> | undefined;

  constructor(options: OAuthTokenOptions) {
    this.#options = options;
  }

  /**
   * The value of Authorization. Callers at the same time share one request.
   * @throws LockstepError AuthenticationRejected, ConnectionFailed, ProtocolError
   */
  async authorization(): Promise<string> {
    const now = this.#now();
    const held = this.#token;
    if (held !== undefined && now < held.renewAt) return held.authorization;
    try {
      return (await this.#renew()).authorization;
    } catch (error) {
      // A renewal comes early enough for another try later.
      const passing = error instanceof LockstepError && error.code === 'ConnectionFailed';
      if (passing && held !== undefined && held === this.#token && now < held.expiresAt)
        return held.authorization;
      throw error;
    }
  }

  /** After a 401: the token is not used again. */
  forget(): void {
    this.#token = undefined;
  }

  #now(): number {
    return (this.#options.now ?? Date.now)();
  }

  #renew(): Promise<Token> {
    this.#asking ??= this.#ask().finally(() => {
      this.#asking = undefined;
    });
    return this.#asking;
  }

  async #ask(): Promise<Token> {
    const { client, tokenUrl, clientId, credential, scope, parameters } = this.#options;
    const proof = await authenticateClient(credential, { clientId, tokenUrl });
    const response = await client.send({
      method: 'POST',
      path: tokenUrl,
      form: {
        grant_type: 'client_credentials',
        ...(scope !== undefined && { scope }),
        ...parameters,
        ...proof.form,
      },
      headers: proof.headers,
      // Asking twice does no harm.
      idempotent: true,
      // Shared by all who wait for it: each may stop waiting, none stops the request, which the client limits.
      signal: new AbortController().signal,
    });
    if (response.status !== 200)
      throw (this.#options.explain ?? ((other) => this.#rejected(other)))(response);
    this.#token = this.#parse(response);
    return this.#token;
  }

  #parse({ body }: HttpResponse): Token {
    const {
      access_token: token,
      token_type: type,
      expires_in: lifetime,
    } = (body ?? {}) as Record<string, unknown>;
    const seconds = Number(lifetime ?? 3600);
    if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || !(seconds > 0))
      throw new LockstepError(
        'ProtocolError',
        `${this.#options.systemName} answered without a usable access token`,
      );
    if (typeof type === 'string' && type.toLowerCase() !== 'bearer')
      throw new LockstepError(
        'ProtocolError',
        `${this.#options.systemName} gave a token of a type other than Bearer`,
      );
    const now = this.#now();
    const margin = Math.min(marginSeconds, seconds / 10);
    return {
      authorization: `Bearer ${token}`,
      expiresAt: now + seconds * 1000,
      renewAt: now + (seconds - margin) * 1000,
    };
  }

  #rejected({ status, body }: HttpResponse): LockstepError {
    const { systemName } = this.#options;
    const { error, error_description: description } = (body ?? {}) as Record<string, unknown>;
    const said = [error, description].filter((part) => typeof part === 'string').join(': ');
    if (status >= 500 || status === 429)
      return new LockstepError(
        'ConnectionFailed',
        `${systemName} gives no token: it answered ${status} ${said}`.trim(),
      );
    return new LockstepError(
      'AuthenticationRejected',
      `${systemName} gives no token: ${said === '' ? `it answered ${status}` : said}`,
      { remedy: 'Check client id, secret and token address.' },
    );
  }
}
