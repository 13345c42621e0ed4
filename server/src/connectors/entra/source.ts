import type { EntraConnection } from '@lockstep/contract/connection-configuration.ts';
import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Completeness, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import type { ReplicaEntry } from '../../sync/replica.ts';
import { attributesOf } from './attributes.ts';
import type { Domains } from './domains.ts';
import { filterSelection, parseScopeFilter } from './filter/scope-filter.ts';
import type { OpenTenant } from './open-tenant.ts';
import { pull } from './pull.ts';
import { isInScope, type ResolvedScope, resolveScopes } from './scopes.ts';
import { entraKinds, type EntraKind, type Selection, selectionFor, union } from './select.ts';

export interface SourceOptions extends OpenTenant {
  /** They make names to match by, where the tenant is written to. */
  readonly domains: Domains;
}

function wantedSelection({ settings }: SourceOptions, request: ReadRequest): Selection {
  const service = settings.excludeServiceAccounts ? ['isResourceAccount'] : [];
  return request.scopes
    .filter(({ filter }) => filter !== undefined)
    .map(({ filter }) => filterSelection(parseScopeFilter(filter ?? '')))
    .reduce(union, selectionFor(request.attributes, { user: service }));
}

/** The user names of accounts that Microsoft makes for its own synchronization. */
const synchronizationAccount = /^(Sync_|ADToAADSyncServiceAccount)/i;

function isLeftOut(entry: ReplicaEntry, settings: EntraConnection): boolean {
  const { kind, attributes } = entry;
  if (kind !== 'user') return false;
  if (!settings.includeGuests && attributes['userType'] === 'Guest') return true;
  if (!settings.excludeServiceAccounts) return false;
  return (
    attributes['isResourceAccount'] === true ||
    synchronizationAccount.test(text(entry, 'userPrincipalName') ?? '')
  );
}

/**
 * Brings the copy up to date by delta queries, and streams what is in scope out of it; what changed only, where the
 * request asks for that and the scopes allow it: who is in a group or unit may change without a change of the object.
 */
export async function* readTenant(
  options: SourceOptions,
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  const { graph, replica, tenant, settings } = options;
  const select = wantedSelection(options, request);
  let scopes: readonly ResolvedScope[];
  let sequence: number;
  try {
    await pull({ graph, replica, tenant, select, afresh: request.afresh, signal: request.signal });
    const state = await replica.state();
    if (!state.whole) throw new LockstepError('IncompleteRead', 'the tenant was not read to its end');
    sequence = state.sequence;
    scopes = await resolveScopes(request.scopes, { replica, graph, signal: request.signal });
  } catch (error) {
    if (!(error instanceof LockstepError) || error.code !== 'IncompleteRead') throw error;
    return { complete: false, reason: error.message, warnings: [] };
  }
  const tellsChanges = scopes.every(({ ids }) => ids === undefined);
  const since = tellsChanges && typeof request.since === 'number' ? request.since : undefined;
  const interpret = await entryMaker(options, request);
  const pages = replica.read({
    kinds: entraKinds,
    members: request.memberships,
    ...(since !== undefined && { after: since, through: sequence, again: request.again }),
  });
  for await (const page of pages) {
    request.signal.throwIfAborted();
    const entries = page.flatMap((entry) => {
      const scope = isLeftOut(entry, settings) || entry.removed ? -1 : scopeOf(scopes, entry);
      if (scope >= 0) return [interpret(entry, scope)];
      return since === undefined ? [] : [gone(entry)];
    });
    if (entries.length > 0) yield entries;
  }
  return {
    complete: true,
    warnings: [],
    ...(tellsChanges && { position: sequence }),
    ...(since !== undefined && { changesOnly: true }),
  };
}

function scopeOf(scopes: readonly ResolvedScope[], entry: ReplicaEntry): number {
  return scopes.findIndex((scope) => isInScope(scope, entry));
}

function gone({ kind, externalId, fingerprint }: ReplicaEntry): RawEntry {
  return {
    kind,
    scope: 0,
    externalId,
    fingerprint,
    gone: true,
    decode: () => {
      throw new LockstepError('Internal', 'an object that is gone has nothing to decode');
    },
  };
}

type MakeEntry = (entry: ReplicaEntry, scope: number) => RawEntry;

async function entryMaker({ domains, graph }: SourceOptions, request: ReadRequest): Promise<MakeEntry> {
  if (request.asTarget !== true) return (entry, scope) => rawEntry(entry, scope, () => ({}));
  const { defaultName } = await domains.load(graph, request.signal);
  return (entry, scope) =>
    rawEntry(entry, scope, () => (entry.kind === 'user' ? matchAttributesOf(entry, defaultName) : {}));
}

function rawEntry(entry: ReplicaEntry, scope: number, more: () => Attributes): RawEntry {
  const { kind, externalId, fingerprint } = entry;
  return { kind, scope, externalId, fingerprint, decode: () => decode(entry, more()) };
}

function text(entry: ReplicaEntry, property: string): string | undefined {
  const value = entry.attributes[property];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** See match-attributes.ts. */
function matchAttributesOf(entry: ReplicaEntry, defaultDomain: string): Attributes {
  const principal = text(entry, 'userPrincipalName');
  const addresses = [principal, text(entry, 'mail')].filter((address) => address !== undefined);
  const [local, domain] = principal?.split('@') ?? [];
  const isDefault = domain?.toLowerCase() === defaultDomain.toLowerCase();
  const matched: Record<string, readonly AttributeValue[]> = {};
  if (addresses.length > 0) matched['matchAddress'] = [...new Set(addresses)];
  if (isDefault && local !== undefined) matched['matchName'] = [local];
  return matched;
}

const names: Readonly<Record<EntraKind, readonly string[]>> = {
  user: ['userPrincipalName', 'displayName'],
  group: ['displayName'],
};

function decode(entry: ReplicaEntry, more: Attributes): ExternalObject {
  const { kind, externalId, attributes, members, memberChanges } = entry;
  const enabled = attributes['accountEnabled'];
  const name = names[kind as EntraKind].map((property) => text(entry, property)).find(Boolean) ?? externalId;
  return {
    reference: externalId,
    location: externalId,
    parents: [],
    name,
    attributes: { ...attributesOf(attributes), ...more },
    ...(kind === 'group' && members !== undefined && { members }),
    ...(kind === 'group' && memberChanges !== undefined && { memberChanges }),
    ...(kind === 'user' && typeof enabled === 'boolean' && { enabled }),
  };
}
