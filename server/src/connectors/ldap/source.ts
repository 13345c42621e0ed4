import { LockstepError } from '../../kernel/errors.ts';
import type { Completeness, RawEntry, ReadRequest } from '../../sync/connector.ts';
import { readOne, type Connect } from './client.ts';
import { baseName, type LdapShape } from './config.ts';
import { attributeUse, LdapEntry, type Completed, type Decoding } from './entry.ts';
import { resultCodeOf } from './errors.ts';
import { dnAsId } from './externalId.ts';
import { Findings } from './findings.ts';
import { Identity } from './identity.ts';
import { isUnder, makeLocator, normaliseReference } from './location.ts';
import { makeClassifier } from './objectClasses.ts';
import type { LdapClient, LdapClientOptions } from './protocol/client/client.ts';
import { searchFollowing } from './protocol/client/referrals.ts';
import type { SearchItem, SearchRequest } from './protocol/client/search.ts';
import { resultCodes, resultName } from './protocol/messages/result.ts';
import { attributesOf, parseFilter } from './protocol/filter/filter.ts';
import type { RawSearchEntry } from './protocol/messages/entry.ts';
import { completeRanges, hasRange } from './ranges.ts';
import { requestedAttributes, searchFilter, wantedAttributes } from './request.ts';
import { readSchema } from './schema.ts';

export interface SourceOptions {
  readonly shape: LdapShape;
  readonly pageSize: number;
  readonly referrals: 'report' | 'follow' | 'ignore';
  readonly connect: Connect;
  /** How servers that a referral names are reached. */
  readonly clientOptions: () => Promise<LdapClientOptions>;
}

/** What one read learns across its scopes. */
interface Knowledge {
  readonly findings: Findings;
  readonly identity: Identity;
}

const batchSize = 1000;

/** Results after which the entries that came are good and others are missing. */
const cutShort = new Set<number>([
  resultCodes.timeLimitExceeded,
  resultCodes.sizeLimitExceeded,
  resultCodes.adminLimitExceeded,
]);

/**
 * Streams the scopes, each by one paged subtree search for all kinds. Complete when the last page of every scope came
 * with success and no referral was left aside.
 * @throws LockstepError NotFound for a scope whose node does not exist; ConnectionFailed when the server is lost.
 */
export async function* readScopes(
  options: SourceOptions,
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  const findings = new Findings();
  const identity = new Identity(options.shape, findings);
  await using client = await options.connect(request.signal);
  await checkFilters(client, request, findings);
  for (const scope of request.scopes.keys()) {
    yield* readScope(client, options, request, scope, { findings, identity });
  }
  identity.conclude();
  return findings.completeness();
}

/**
 * What a filter compares with an attribute that the server does not know is neither true nor false (RFC 4511 section
 * 4.5.1.7): a name that is misspelt there would make everybody look gone.
 */
async function checkFilters(client: LdapClient, request: ReadRequest, findings: Findings): Promise<void> {
  const named = request.scopes.flatMap(({ filter }) =>
    filter === undefined ? [] : attributesOf(parseFilter(filter)),
  );
  if (named.length === 0) return;
  const schema = await readSchema(client, request.signal);
  if (schema === undefined) return;
  for (const name of new Set(named)) {
    if (!schema.knows(baseName(name)))
      findings.miss(
        `the filter names ${name}, an attribute that the server does not know, and matches nobody by it`,
      );
  }
}

async function* readScope(
  client: LdapClient,
  options: SourceOptions,
  request: ReadRequest,
  index: number,
  knowledge: Knowledge,
): AsyncGenerator<readonly RawEntry[], void> {
  const { node, filter } = request.scopes[index] as ReadRequest['scopes'][number];
  const attributes = requestedAttributes(options.shape, request);
  const nodeDn = await getNodeDn(client, node, request.signal, options.referrals === 'follow');
  const reader = new ScopeReader(options, request, index, nodeDn, knowledge);
  const search: SearchRequest = {
    base: node,
    scope: 'sub',
    filter: searchFilter(options.shape, filter),
    attributes,
    pageSize: options.pageSize,
    signal: request.signal,
  };
  let batch: RawEntry[] = [];
  try {
    for await (const items of await batchesOf(client, options, search)) {
      for (const item of items) {
        if (item.type === 'entry' && hasRange(item.entry.bytes)) await reader.takeRanged(item.entry, batch);
        else if (!reader.take(item, batch)) await reader.takeUnsure(item, batch);
      }
      if (batch.length < batchSize) continue;
      yield batch;
      batch = [];
    }
  } catch (error) {
    const code = resultCodeOf(error);
    if (code === undefined || !cutShort.has(code)) throw error;
    knowledge.findings.miss(
      `the server ended the search below "${node}" early: ${resultName(code)} (${code}); raise its limits for the bind DN, or set a smaller pageSize`,
    );
  } finally {
    await reader.close();
  }
  if (batch.length > 0) yield batch;
}

/** What the search brings; it throws at its end unless the server closed it with success. */
export async function batchesOf(
  client: LdapClient,
  options: Pick<SourceOptions, 'referrals' | 'clientOptions'>,
  search: SearchRequest,
): Promise<AsyncIterable<readonly SearchItem[]>> {
  if (options.referrals !== 'follow') {
    const running = client.search(search);
    running.done.catch(() => undefined);
    return running.batches();
  }
  return searchFollowing(client, search, { options: await options.clientOptions() });
}

/** The DN of a scope's node as the server spells it. */
async function getNodeDn(
  client: LdapClient,
  node: string,
  signal: AbortSignal,
  follows: boolean,
): Promise<string> {
  if (node === '') return '';
  try {
    const entry = await readOne(client, { base: node, attributes: ['1.1'], signal });
    if (entry !== undefined) return entry.dn();
  } catch (error) {
    // The node lies on another server, which the search then asks.
    if (resultCodeOf(error) === resultCodes.referral && follows) return node;
    throw error;
  }
  throw new LockstepError('NotFound', `the node "${node}" does not exist, or may not be read`, {
    field: 'scopes',
    remedy: 'Check the spelling of the scope, and that the bind DN may read this entry.',
  });
}

/** Turns what the search of one scope brings into entries. */
class ScopeReader {
  readonly #options: SourceOptions;
  readonly #signal: AbortSignal;
  readonly #scope: number;
  readonly #nodeDn: string;
  readonly #findings: Findings;
  readonly #identity: Identity;
  readonly #decoding: Decoding;
  readonly #classify: ReturnType<typeof makeClassifier>;
  /** Ranges are fetched beside the search, whose own connection stands still while its entries are looked at. */
  #beside: LdapClient | undefined;

  constructor(
    options: SourceOptions,
    request: ReadRequest,
    scope: number,
    nodeDn: string,
    { findings, identity }: Knowledge,
  ) {
    this.#options = options;
    this.#signal = request.signal;
    this.#scope = scope;
    this.#nodeDn = nodeDn;
    this.#findings = findings;
    this.#identity = identity;
    this.#classify = makeClassifier(options.shape);
    const wanted = wantedAttributes(request);
    this.#decoding = {
      shape: options.shape,
      uses: {
        user: attributeUse(options.shape, wanted.user),
        organizationalUnit: attributeUse(options.shape, wanted.organizationalUnit),
        group: attributeUse(options.shape, wanted.group),
      },
      memberships: request.memberships,
      locate: makeLocator(nodeDn),
    };
  }

  /** Takes what can be understood at once; false: `takeUnsure` has to be asked. */
  take(item: SearchItem, batch: RawEntry[]): boolean {
    if (item.type === 'entry') return this.#takeEntry(item.entry, undefined, batch);
    if (item.type === 'reference') this.#takeReference(item.uris);
    if (item.type === 'doubt') this.#findings.miss(item.reason);
    return true;
  }

  /** The first entry without an id: the server's schema tells whether it should have one. */
  async takeUnsure(item: SearchItem, batch: RawEntry[]): Promise<void> {
    await this.#identity.learn(await this.#connectBeside(), this.#signal);
    this.take(item, batch);
  }

  /** An entry of which the server sent some attributes in part. */
  async takeRanged(entry: RawSearchEntry, batch: RawEntry[]): Promise<void> {
    const beside = await this.#connectBeside();
    const completed = await completeRanges(beside, entry);
    if (this.#takeEntry(entry, completed, batch)) return;
    await this.#identity.learn(beside, this.#signal);
    this.#takeEntry(entry, completed, batch);
  }

  async close(): Promise<void> {
    await this.#beside?.[Symbol.asyncDispose]();
  }

  async #connectBeside(): Promise<LdapClient> {
    return (this.#beside ??= await this.#options.connect(this.#signal));
  }

  #takeEntry(entry: RawSearchEntry, completed: Completed | undefined, batch: RawEntry[]): boolean {
    const dn = entry.dn();
    if (this.#isNode(dn) || !this.#isWithinScope(dn)) return true;
    const kind = this.#classify(entry.peekAll('objectClass'));
    if (kind === undefined) {
      this.#findings.miss(
        `the kind of "${dn}" cannot be told from its object classes; name one of them in readObjectClasses`,
      );
      return true;
    }
    const verdict = this.#identity.judge(entry);
    if (verdict === 'unsure') return false;
    if (verdict === 'refused') return true;
    const externalId = verdict === 'dn' ? dnAsId(this.#decoding.locate(dn).reference) : verdict.id;
    batch.push(new LdapEntry({ kind, scope: this.#scope, externalId }, entry, this.#decoding, completed));
    return true;
  }

  /**
   * What lies elsewhere has no place beneath the scope's node. A referral may lead to another part of the tree.
   * @throws LockstepError ProtocolError
   */
  #isWithinScope(dn: string): boolean {
    if (isUnder(dn, this.#nodeDn)) return true;
    const text = `the server sent the entry "${dn}", which does not lie under "${this.#nodeDn}"`;
    if (this.#options.referrals === 'follow') {
      this.#findings.miss(text);
      return false;
    }
    throw new LockstepError('ProtocolError', text, {
      remedy: 'Look into the server, or into what rewrites names between it and Lockstep.',
    });
  }

  #isNode(dn: string): boolean {
    if (dn === this.#nodeDn) return true;
    if (dn.length > this.#nodeDn.length) return false;
    return normaliseReference(dn) === normaliseReference(this.#nodeDn);
  }

  #takeReference(uris: readonly string[]): void {
    if (this.#options.referrals === 'ignore') return;
    const text = `entries at ${uris.join(' or ')} were not read`;
    this.#findings.miss(`a referral was not followed: ${text}`);
    this.#findings.warn(text);
  }
}
