import type { Control } from '../controls/control.ts';
import { operations } from '../messages/operations.ts';
import * as requests from '../messages/requests.ts';
import { type LdapResult, ldapResultError, resultCodes } from '../messages/result.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { parseLdapUrl, renderAddress } from './address.ts';
import { Connection } from './connection.ts';
import { type Answer, SingleExchange } from './exchange.ts';
import { type Search, type SearchRequest, startSearch } from './search.ts';
import { openChannel, secureSocket, type TlsSettings } from './transport.ts';

export type BindCredentials =
  | { readonly method: 'simple'; readonly dn: string; readonly password: string }
  | { readonly method: 'external'; readonly authzId?: string | undefined };

export interface LdapClientOptions {
  /** `ldap://host:port`, `ldaps://host:port`, or `ldapi://%2Fpath%2Fof%2Fsocket`. */
  readonly url: string;
  readonly tls?: TlsSettings | undefined;
  /** Secures an ldap:// connection before anything else is sent. */
  readonly startTls?: boolean | undefined;
  /** Absent: anonymous. */
  readonly bind?: BindCredentials | undefined;
  /** Milliseconds that an operation may go without any response; default 60,000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds for each of connecting and TLS; default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Longest message accepted; default 64 MiB. */
  readonly maxMessageBytes?: number | undefined;
  /** Most entries of one search; default 10,000,000. */
  readonly maxEntries?: number | undefined;
  /** Operations in flight, searches not counted; more of them wait their turn. Default 256. */
  readonly maxPending?: number | undefined;
  /** Ends the connection, or the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}

export type AttributeValues = Readonly<Record<string, readonly requests.AttributeBytes[]>>;

/**
 * A connection to a server. Any number of operations may be under way. Operations resolve with the server's result
 * whatever its code is, and reject with LockstepError ConnectionFailed when there was no answer: then a write may or
 * may not have been carried out. Names are DNs in string form.
 */
export interface LdapClient extends AsyncDisposable {
  /** The server, as in error messages. */
  readonly name: string;
  /** Whether the connection is still there. */
  readonly alive: boolean;
  search(request: SearchRequest): Search;
  add(dn: string, attributes: AttributeValues, controls?: readonly Control[]): Promise<LdapResult>;
  modify(
    dn: string,
    modifications: readonly requests.Modification[],
    controls?: readonly Control[],
  ): Promise<LdapResult>;
  modifyDn(dn: string, name: requests.NewName, controls?: readonly Control[]): Promise<LdapResult>;
  delete(dn: string, controls?: readonly Control[]): Promise<LdapResult>;
  /** @throws LdapError for any result but compareTrue and compareFalse */
  compare(
    dn: string,
    attribute: string,
    value: requests.AttributeBytes,
    controls?: readonly Control[],
  ): Promise<boolean>;
  extended(oid: string, value?: Uint8Array, controls?: readonly Control[]): Promise<Answer>;
  /** Changes who the connection is. @throws LockstepError AuthenticationRejected */
  bind(credentials: BindCredentials): Promise<void>;
  /** The authorization identity (RFC 4532), such as `dn:cn=admin,dc=example`; empty for anonymous. */
  whoAmI(): Promise<string>;
  /** Says goodbye and closes. */
  unbind(): Promise<void>;
}

const whoAmIOid = '1.3.6.1.4.1.4203.1.11.3';
/** What to look at when a simple bind was refused. */
export const simpleBindRemedy =
  'Check bindDn and password, and that the account is not locked and its password not expired; some servers take passwords over TLS only (ldaps:// or startTls).';

/** What to look at when a server breaks off, or says nothing, instead of an answer to the bind. */
const silentBindRemedy =
  'Check that the port speaks what url says (usually plain LDAP on 389, LDAPS on 636), and whether the server wants a client certificate (tls.certFile, tls.keyFile).';
const startTlsRemedy =
  'Check that the port speaks plain LDAP (usually 389) and that the server offers StartTLS on it; where it speaks TLS from the start (636), use ldaps:// without startTls.';

const startTlsOid = '1.3.6.1.4.1.1466.20037';

/**
 * Connects, starts TLS where asked to, and binds.
 * @throws LockstepError ConnectionFailed, AuthenticationRejected or ProtocolError; the message names address and step
 */
export async function connectLdap(options: LdapClientOptions): Promise<LdapClient> {
  const { address } = parseLdapUrl(options.url);
  const name = renderAddress(address);
  const tls = options.tls ?? {};
  const limits = { timeoutMs: options.connectTimeoutMs ?? 10_000, signal: options.signal };
  const startsTls = options.startTls === true && address.scheme === 'ldap';
  const connection = new Connection(await openChannel(address, tls, limits, !startsTls), name, {
    timeoutMs: options.timeoutMs ?? 60_000,
    maxMessageBytes: options.maxMessageBytes ?? 64 << 20,
  });
  const client = new ConnectedClient(connection, options);
  try {
    if (startsTls) {
      await client.askForTls();
      await connection.upgrade((socket) => secureSocket(socket, address, tls, limits));
    }
    if (options.bind) await client.bind(options.bind);
    return client;
  } catch (error) {
    connection.close(closedByUs(name));
    throw error;
  }
}

function closedByUs(name: string): LockstepError {
  return new LockstepError('ConnectionFailed', `${name}: the connection was closed`);
}

/** What a server says may show what it was sent, and readers see messages. A shorter password stands there by chance. */
function withoutPassword(message: string, credentials: BindCredentials): string {
  if (credentials.method !== 'simple' || credentials.password.length < 4) return message;
  return message.replaceAll(credentials.password, '***');
}

/** The first answer of a server, with what to look at where it does not come. */
async function advised(asked: Promise<Answer>, remedy: string): Promise<Answer> {
  try {
    return await asked;
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code === 'Cancelled') throw error;
    throw new LockstepError(error.code, error.message, { remedy: error.remedy ?? remedy, cause: error });
  }
}

class ConnectedClient implements LdapClient {
  readonly #connection: Connection;
  readonly #maxPending: number;
  readonly #maxEntries: number | undefined;
  readonly #waiting: (() => void)[] = [];
  #inFlight = 0;

  constructor(connection: Connection, { maxPending, maxEntries, signal }: LdapClientOptions) {
    this.#connection = connection;
    this.#maxPending = maxPending ?? 256;
    this.#maxEntries = maxEntries;
    if (signal) this.#obey(signal);
  }

  get name(): string {
    return this.#connection.name;
  }

  get alive(): boolean {
    return this.#connection.failure === undefined;
  }

  search(request: SearchRequest): Search {
    return startSearch(this.#connection, { maxEntries: this.#maxEntries, ...request });
  }

  async add(dn: string, attributes: AttributeValues, controls: readonly Control[] = []): Promise<LdapResult> {
    const answer = await this.#request(
      operations.addResponse,
      requests.add(dn, attributes),
      controls,
      `add of "${dn}"`,
    );
    return answer.result;
  }

  async modify(
    dn: string,
    modifications: readonly requests.Modification[],
    controls: readonly Control[] = [],
  ): Promise<LdapResult> {
    const write = requests.modify(dn, modifications);
    return (await this.#request(operations.modifyResponse, write, controls, `modify of "${dn}"`)).result;
  }

  async modifyDn(dn: string, name: requests.NewName, controls: readonly Control[] = []): Promise<LdapResult> {
    const write = requests.modifyDn(dn, name);
    return (await this.#request(operations.modifyDnResponse, write, controls, `rename of "${dn}"`)).result;
  }

  async delete(dn: string, controls: readonly Control[] = []): Promise<LdapResult> {
    return (
      await this.#request(operations.deleteResponse, requests.remove(dn), controls, `delete of "${dn}"`)
    ).result;
  }

  async compare(
    dn: string,
    attribute: string,
    value: requests.AttributeBytes,
    controls: readonly Control[] = [],
  ): Promise<boolean> {
    const what = `compare of ${attribute} of "${dn}"`;
    const write = requests.compare(dn, attribute, value);
    const { result } = await this.#request(operations.compareResponse, write, controls, what);
    if (result.code === resultCodes.compareTrue) return true;
    if (result.code === resultCodes.compareFalse) return false;
    throw ldapResultError(result, `${this.name}: ${what}`);
  }

  extended(oid: string, value?: Uint8Array, controls: readonly Control[] = []): Promise<Answer> {
    return this.#request(
      operations.extendedResponse,
      requests.extended(oid, value),
      controls,
      `operation ${oid}`,
    );
  }

  async bind(credentials: BindCredentials): Promise<void> {
    const request = this.#request(operations.bindResponse, this.#bindRequest(credentials), [], 'bind');
    const { result } = await advised(request, silentBindRemedy);
    if (result.code === resultCodes.success) return;
    const error = ldapResultError(result, `${this.name}: bind`);
    if (error.code === 'ConnectionFailed') throw error;
    const remedy =
      credentials.method === 'external'
        ? 'Check the client certificate, and whom the server takes it for.'
        : simpleBindRemedy;
    const message = withoutPassword(error.message, credentials);
    throw Object.assign(new LockstepError('AuthenticationRejected', message, { remedy }), {
      resultCode: result.code,
      result,
    });
  }

  async whoAmI(): Promise<string> {
    const { result, value } = await this.extended(whoAmIOid);
    if (result.code !== resultCodes.success) throw ldapResultError(result, `${this.name}: who am I`);
    return value?.toString() ?? '';
  }

  /** StartTLS up to the point where the handshake begins (RFC 4511 section 4.14). */
  async askForTls(): Promise<void> {
    const { result } = await advised(this.extended(startTlsOid), startTlsRemedy);
    if (result.code === resultCodes.success) return;
    const { message } = ldapResultError(result, `${this.name}: StartTLS`);
    const error = new LockstepError('ConnectionFailed', message, { remedy: startTlsRemedy });
    throw Object.assign(error, { resultCode: result.code, result });
  }

  async unbind(): Promise<void> {
    this.#connection.sendOnly(requests.unbind());
    await this.#connection.end(closedByUs(this.name));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.unbind();
  }

  #bindRequest(credentials: BindCredentials): requests.WriteOperation {
    if (credentials.method === 'external') return requests.externalBind(credentials.authzId ?? '');
    // A name without a password is the unauthenticated bind, which servers answer with success (RFC 4513 section 5.1.2).
    if (credentials.dn !== '' && credentials.password === '') {
      throw new LockstepError(
        'AuthenticationRejected',
        `${this.name}: bind: the password of "${credentials.dn}" is empty`,
      );
    }
    return requests.simpleBind(credentials.dn, credentials.password);
  }

  async #request(
    tag: number,
    write: requests.WriteOperation,
    controls: readonly Control[],
    what: string,
  ): Promise<Answer> {
    if (this.#inFlight >= this.#maxPending) await this.#turn();
    else this.#inFlight += 1;
    try {
      const exchange = new SingleExchange(tag);
      this.#connection.send(write, controls, exchange, what);
      return await exchange.answer;
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#inFlight -= 1;
    }
  }

  /** Waits until one that is done passes its place on. */
  #turn(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.push(resolve);
    return promise;
  }

  #obey(signal: AbortSignal): void {
    const abort = (): void => {
      this.#connection.close(new LockstepError('Cancelled', `${this.name}: the connection was cancelled`));
    };
    signal.addEventListener('abort', abort, { once: true });
    void this.#connection.closed.then(() => signal.removeEventListener('abort', abort));
  }
}
