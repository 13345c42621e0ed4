import { normaliseDn } from '../../../../directory/dn/dn.ts';
import { isLdapError, resultCodes } from '../messages/result.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import { type LdapUrl, parseLdapUrl, renderAddress } from './address.ts';
import { connectLdap, type LdapClient, type LdapClientOptions } from './client.ts';
import type { SearchItem, SearchRequest } from './search.ts';

export interface ReferralOptions {
  /** How the first server was reached; the same credentials are used for the others. */
  readonly options: LdapClientOptions;
  /** Servers in a row; default 5. */
  readonly maxHops?: number;
  /** Whether a host may be asked, on top of the rule about transport security; default: every host. */
  readonly allowHost?: (host: string) => boolean;
}

/**
 * Searches and follows search references and referrals (RFC 4511 sections 4.1.10 and 4.5.3). A reference that leads
 * back, too far, to a host that is not allowed, or over a transport less secure than the first one, is handed on as
 * a reference, so that nobody mistakes the result for complete. So is one whose servers cannot be reached.
 */
export async function* searchFollowing(
  client: LdapClient,
  request: SearchRequest,
  options: ReferralOptions,
): AsyncGenerator<readonly SearchItem[], void, undefined> {
  await using walk = new ReferralWalk(options);
  walk.enter(renderAddress(parseLdapUrl(options.options.url).address), request);
  yield* walk.search(client, request, 0);
}

class ReferralWalk implements AsyncDisposable {
  readonly #options: ReferralOptions;
  readonly #visited = new Set<string>();
  readonly #clients = new Map<string, Promise<LdapClient>>();

  constructor(options: ReferralOptions) {
    this.#options = options;
  }

  /** Remembers a search; false if it was made already. */
  enter(address: string, request: SearchRequest): boolean {
    const key = `${address}/${normaliseDn(request.base)}?${request.scope}`;
    if (this.#visited.has(key)) return false;
    this.#visited.add(key);
    return true;
  }

  async *search(
    client: LdapClient,
    request: SearchRequest,
    hops: number,
  ): AsyncGenerator<readonly SearchItem[]> {
    try {
      for await (const batch of client.search(request).batches()) {
        const plain = batch.filter((item) => item.type !== 'reference');
        if (plain.length > 0) yield plain;
        for (const item of batch) {
          if (item.type === 'reference') yield* this.#follow(item, request, hops, true);
        }
      }
    } catch (error) {
      if (!isLdapError(error) || error.resultCode !== resultCodes.referral) throw error;
      const { referrals: uris, controls } = error.result;
      yield* this.#follow({ type: 'reference', uris, controls }, request, hops, false);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of await Promise.allSettled(this.#clients.values())) {
      if (client.status === 'fulfilled') await client.value.unbind();
    }
  }

  async *#follow(
    item: SearchItem & { type: 'reference' },
    request: SearchRequest,
    hops: number,
    continues: boolean,
  ): AsyncGenerator<readonly SearchItem[]> {
    // Any one of the URIs will do (RFC 4511 section 4.1.10).
    for (const uri of item.uris) {
      const target = this.#target(uri, request, continues);
      if (!target || hops >= (this.#options.maxHops ?? 5)) continue;
      const client = await this.#connect(target.url).catch(() => undefined);
      if (!client) continue;
      if (!this.enter(client.name, target.request)) break;
      yield* this.search(client, target.request, hops + 1);
      return;
    }
    yield [item];
  }

  /** The search that a URI asks for, or undefined if it may not be followed. */
  #target(
    uri: string,
    request: SearchRequest,
    continues: boolean,
  ): { url: LdapUrl; request: SearchRequest } | undefined {
    const url = parseUri(uri);
    if (!url || url.criticalExtensions.length > 0 || !this.#allowed(url)) return undefined;
    // A reference below a one-level search names the child itself (section 4.5.3, scope of a continuation).
    const scope = url.scope ?? (continues && request.scope === 'one' ? 'base' : request.scope);
    return {
      url,
      request: { ...request, base: url.dn ?? request.base, scope, filter: url.filter ?? request.filter },
    };
  }

  #allowed({ address }: LdapUrl): boolean {
    if (address.scheme === 'ldapi') return false;
    const { options, allowHost } = this.#options;
    const first = parseLdapUrl(options.url).address.scheme;
    // What went over a local socket must not go over a network in the clear.
    if (first === 'ldapi' && address.scheme === 'ldap' && !options.startTls && options.bind) return false;
    return allowHost?.(address.host) ?? true;
  }

  #connect({ address }: LdapUrl): Promise<LdapClient> {
    const { options } = this.#options;
    const url = renderAddress(address);
    const first = parseLdapUrl(options.url).address.scheme;
    const secure = first === 'ldaps' || options.startTls === true;
    let client = this.#clients.get(url);
    if (!client) {
      const tls = { ...options.tls, serverName: undefined };
      client = connectLdap({ ...options, url, tls, startTls: secure && address.scheme === 'ldap' });
      this.#clients.set(url, client);
    }
    return client;
  }
}

function parseUri(uri: string): LdapUrl | undefined {
  try {
    return parseLdapUrl(uri);
  } catch (error) {
    // Referrals may be of any kind of URI; those that are no LDAP URL cannot be followed.
    if (error instanceof LockstepError) return undefined;
    throw error;
  }
}
