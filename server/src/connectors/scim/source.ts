import { LockstepError } from '../../kernel/errors.ts';
import { readAttribute, type ScimResource } from '../../scim/resource.ts';
import type { Completeness, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import type { ScimClient } from './client.ts';
import type { ServiceDescription } from './discovery.ts';
import { isOfOneObject } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { inParallel } from './in-parallel.ts';
import { parseNotation } from './notation.ts';
import { readList } from './pages.ts';
import type { Profile } from './profiles.ts';
import { idOf, readActive, readFlat, readMembers } from './resource-values.ts';
import { nameAttributes, type ScimKind } from './naming.ts';

/** Everything that a read needs to know of the service. */
export interface Reader {
  readonly client: ScimClient;
  readonly service: ServiceDescription;
  readonly profile: Profile;
  readonly pageSize: number;
  readonly concurrency: number;
  /** Remarks of the connection itself, told with those of the read. */
  readonly warnings: readonly string[];
}

interface Verdict {
  reason: string | undefined;
  readonly warnings: string[];
}

/**
 * Streams all users, then all groups with their members. Without an end that can be believed the read is incomplete.
 * @throws LockstepError when nothing can be read at all
 */
export async function* readService(
  reader: Reader,
  kinds: readonly ScimKind[],
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  const verdict: Verdict = { reason: undefined, warnings: [...reader.warnings] };
  for (const kind of kinds) {
    for (const name of request.attributes[kind]) parseNotation(name);
    // oxlint-disable-next-line no-await-in-loop -- one list after the other
    yield* readKind(reader, kind, request, verdict);
  }
  const { reason, warnings } = verdict;
  return reason === undefined ? { complete: true, warnings } : { complete: false, reason, warnings };
}

async function* readKind(
  reader: Reader,
  kind: ScimKind,
  request: ReadRequest,
  verdict: Verdict,
): AsyncGenerator<readonly RawEntry[], void> {
  const { service, client } = reader;
  const members =
    kind === 'group' && request.memberships ? new MemberReader(reader, request.signal, verdict) : null;
  const pages = readList(client, {
    path: service.endpoints[kind],
    // A filter names attributes of users, which groups do not have.
    filter: kind === 'user' ? request.scopes[0]?.filter : undefined,
    pageSize: reader.pageSize,
    byCursor: reader.profile.cursors ? 'always' : service.cursor,
    signal: request.signal,
  });
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- pages follow each other
    const page = await pages.next();
    if (page.done === true) {
      verdict.reason ??= page.value.reason;
      verdict.warnings.push(...page.value.warnings);
      return;
    }
    // oxlint-disable-next-line no-await-in-loop -- pages follow each other
    const resources = members === null ? page.value : await members.complete(page.value);
    yield resources.map((resource) => entryOf(kind, resource, request, members?.silence));
  }
}

function entryOf(
  kind: ScimKind,
  resource: ScimResource,
  request: ReadRequest,
  silence: Silence | undefined,
): RawEntry {
  const externalId = idOf(resource) ?? '';
  return {
    kind,
    scope: 0,
    externalId,
    fingerprint: fingerprintOf(resource),
    decode: () => decode(kind, externalId, resource, request.attributes[kind], silence),
  };
}

function decode(
  kind: ScimKind,
  externalId: string,
  resource: ScimResource,
  names: readonly string[],
  silence: Silence | undefined,
): ExternalObject {
  const name = readAttribute(resource, nameAttributes[kind]);
  if (typeof name !== 'string')
    throw new LockstepError('InvalidRecord', `the ${kind} ${externalId} has no ${nameAttributes[kind]}`);
  const said = silence === undefined ? undefined : readMembers(resource);
  const members = said ?? (silence === 'empty' ? [] : undefined);
  return {
    reference: externalId,
    location: externalId,
    parents: [],
    name,
    attributes: readFlat(resource, names),
    ...(members === undefined ? {} : { members }),
    ...(kind === 'user' ? { enabled: readActive(resource) } : {}),
  };
}

/**
 * What a group without the attribute `members` says: that it has none, or nothing at all, as long as no group of the
 * service was seen to have the attribute. Else the groups of a service that does not show members would all look empty.
 */
type Silence = 'empty' | 'unknown';

/** Sees to it that groups come with their members, also where lists leave them out. */
class MemberReader {
  readonly #reader: Reader;
  readonly #signal: AbortSignal;
  readonly #verdict: Verdict;
  /** A list that has members of one group has them of all: a group without any may lack the attribute. */
  #listsHaveThem = false;
  #someGroupHasThem = false;

  constructor(reader: Reader, signal: AbortSignal, verdict: Verdict) {
    this.#reader = reader;
    this.#signal = signal;
    this.#verdict = verdict;
    if (!this.areReadable)
      verdict.warnings.push(
        'members of groups cannot be read from this service: changes that others make to them are not seen',
      );
  }

  get areReadable(): boolean {
    return this.#reader.profile.membersRead !== 'never';
  }

  /** Undefined: members are not read at all. */
  get silence(): Silence | undefined {
    if (!this.areReadable) return undefined;
    return this.#someGroupHasThem ? 'empty' : 'unknown';
  }

  async complete(groups: readonly ScimResource[]): Promise<readonly ScimResource[]> {
    const completed = await this.#complete(groups);
    this.#someGroupHasThem ||= completed.some((group) => readMembers(group) !== undefined);
    return completed;
  }

  async #complete(groups: readonly ScimResource[]): Promise<readonly ScimResource[]> {
    const { membersRead } = this.#reader.profile;
    if (membersRead === 'never') return groups;
    if (membersRead === 'discover')
      this.#listsHaveThem ||= groups.some((group) => readMembers(group) !== undefined);
    if (this.#listsHaveThem) return groups;
    return inParallel(groups, this.#reader.concurrency, (group) => this.#readOne(group));
  }

  async #readOne(group: ScimResource): Promise<ScimResource> {
    const { client, service } = this.#reader;
    const path = `${service.endpoints.group}/${encodeURIComponent(idOf(group) ?? '')}`;
    try {
      return (await client.exchange({ method: 'GET', path, signal: this.#signal })) ?? group;
    } catch (error) {
      if (!isOfOneObject(error)) throw error;
      this.#verdict.reason ??= `members of a group could not be read: ${error.message}`;
      return group;
    }
  }
}
