import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import { HttpClient } from '../../http-client/client.ts';
import { OAuthToken } from '../../http-client/oauth-token.ts';
import type { Pace } from '../../http-client/pace.ts';
import type { Wait } from '../../http-client/wait.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';
import { readAuthorities, readCredential, resolveAddresses, tokenUrl } from './config.ts';
import { faultError, type GraphFault, parseFault } from './graph-error.ts';
import { heed, readCost } from './pace.ts';
import { explainTokenFailure } from './token-errors.ts';

export interface GraphClientOptions {
  readonly pace: Pace;
  readonly wait?: Wait | undefined;
  readonly retries?: number | undefined;
}

type GraphObject = Readonly<Record<string, unknown>>;

export interface GraphPage {
  readonly objects: readonly GraphObject[];
  readonly next: string | undefined;
}

function isObject(value: unknown): value is GraphObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

const systemName = 'Microsoft Graph';
/** Answers that came and say nothing. */
const unreadable: ReadonlySet<string> = new Set(['ProtocolError', 'LimitExceeded']);

function inDoubt(why: string): LockstepError {
  return new LockstepError('ConnectionFailed', `${systemName} gave no usable answer to a batch: ${why}`, {
    remedy: 'The batch is tried again later, after a look at what became of it.',
  });
}

const tokenSystem = 'Microsoft Entra ID';

/** Microsoft Graph v1.0 with the application's token. */
export class GraphClient implements AsyncDisposable {
  readonly #http: HttpClient;
  readonly #login: HttpClient;
  readonly #token: OAuthToken;
  readonly pace: Pace;
  /** Origin and path under which everything is: for references to objects. */
  readonly baseUrl: string;

  private constructor(http: HttpClient, login: HttpClient, token: OAuthToken, baseUrl: string, pace: Pace) {
    this.#http = http;
    this.#login = login;
    this.#token = token;
    this.baseUrl = baseUrl;
    this.pace = pace;
  }

  /** Opens without traffic. @throws LockstepError SecretNotFound, InvalidConfiguration */
  static async open(
    settings: EntraConnection,
    context: ConnectorContext,
    { pace, wait, retries }: GraphClientOptions,
  ): Promise<GraphClient> {
    const addresses = resolveAddresses(settings);
    const [ca, credential] = [
      await readAuthorities(settings, context),
      await readCredential(settings, context),
    ];
    const { timeoutSeconds, clientId } = settings;
    const connection = { tls: { ca }, timeoutSeconds, wait, retries };
    const login = new HttpClient({ ...connection, baseUrl: addresses.authorityUrl, systemName: tokenSystem });
    const token = new OAuthToken({
      client: login,
      tokenUrl: tokenUrl(addresses, settings),
      clientId,
      credential,
      scope: `${addresses.graphUrl}/.default`,
      systemName: tokenSystem,
      explain: explainTokenFailure,
    });
    const baseUrl = `${addresses.graphUrl}/v1.0`;
    const http = new HttpClient({
      ...connection,
      baseUrl,
      systemName,
      pace,
      authorize: () => token.authorization(),
      forgetAuthorization: () => token.forget(),
    });
    return new GraphClient(http, login, token, baseUrl, pace);
  }

  /** Signs in, without anything else. @throws LockstepError AuthenticationRejected, ConnectionFailed */
  async signIn(): Promise<void> {
    await this.#token.authorization();
  }

  /** An answer to a GET, or its fault. */
  async find(
    path: string,
    signal: AbortSignal,
  ): Promise<{ readonly body: Readonly<Record<string, unknown>> } | { readonly fault: GraphFault }> {
    const response = await this.#http.send({ method: 'GET', path, cost: readCost, signal });
    heed(this.pace, response.headers);
    if (response.status !== 200) return { fault: parseFault(response.status, response.body) };
    const { body } = response;
    if (isObject(body)) return { body };
    throw new LockstepError('ProtocolError', `${systemName} answered with something other than an object`);
  }

  /** @throws LockstepError as faultError makes it. */
  async get(path: string, what: string, signal: AbortSignal): Promise<Readonly<Record<string, unknown>>> {
    const answer = await this.find(path, signal);
    if ('fault' in answer) throw faultError(answer.fault, what);
    return answer.body;
  }

  /**
   * A page of a list: its objects, and where it goes on.
   * @throws LockstepError ProtocolError for an answer without a list of objects; as `get`.
   */
  async list(path: string, what: string, signal: AbortSignal): Promise<GraphPage> {
    const { value, '@odata.nextLink': next } = await this.get(path, what, signal);
    if (Array.isArray(value) && value.every(isObject) && (next === undefined || typeof next === 'string'))
      return { objects: value, next };
    throw new LockstepError('ProtocolError', `${systemName}: ${what}: it answered without a list of objects`);
  }

  /**
   * A POST of a batch, whose cost is the items'.
   * @throws LockstepError ConnectionFailed also for an answer that cannot be understood: what was carried out is looked up
   * in another attempt.
   */
  async postBatch(
    requests: readonly unknown[],
    cost: Parameters<Pace['take']>[0],
    signal: AbortSignal,
  ): Promise<readonly unknown[]> {
    const request = { method: 'POST', path: '/$batch', body: { requests }, cost, signal };
    const response = await this.#http.send(request).catch((error: unknown) => {
      throw error instanceof LockstepError && unreadable.has(error.code) ? inDoubt(error.message) : error;
    });
    heed(this.pace, response.headers);
    if (response.status >= 500) throw inDoubt(`it answered ${response.status}`);
    if (response.status !== 200) throw faultError(parseFault(response.status, response.body), 'a batch');
    const { responses } = (response.body ?? {}) as { responses?: unknown };
    if (Array.isArray(responses)) return responses as unknown[];
    throw inDoubt('it answered without a list of answers');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#http[Symbol.asyncDispose](), this.#login[Symbol.asyncDispose]()]);
  }
}
