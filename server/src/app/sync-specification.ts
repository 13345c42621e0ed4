import { createHash } from 'node:crypto';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { kinds, objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { withoutNested } from '../config/scope-overlap.ts';
import { compileMapping } from '../mapping/compile.ts';
import type { CompiledMapping } from '../mapping/compile.ts';
import { compileCondition } from '../mapping/condition.ts';
import { overlayMapping } from '../mapping/configured.ts';
import type { MatchRules } from '../mapping/rules.ts';
import type { ConnectionRow } from '../store/queries/connections.ts';
import { selectSyncs } from '../store/queries/syncs.ts';
import type { SyncRow } from '../store/queries/syncs.ts';
import { findTenantPrecedence } from '../store/queries/tenant.ts';
import type { Connector } from '../sync/connector.ts';
import { resolveGuard } from '../sync/guard-limits.ts';
import type { SyncSpecification } from '../sync/run-context.ts';
import { SourceSurvey } from '../sync/source-survey.ts';
import type { OwnRules } from '../sync/source-survey.ts';
import type { SourceFilter } from '../sync/sync-store.ts';
import { findConnection } from '../store/queries/connections.ts';
import type { Application } from './application.ts';

/** Bumped when what a fingerprint stands for changes, so that everything is looked at once more. */
const engineVersion = 'lockstep engine 1';

/** Every ingress sync of a tenant is taken into account, in pages of this size. */
const pageSize = 200;

/** The match rules of a sync: its own where it names a kind, else the connector's. A list is for users. */
export function effectiveMatch(settings: Pick<SyncConfiguration, 'match'>, defaults: MatchRules): MatchRules {
  const own = Array.isArray(settings.match) ? { user: settings.match } : (settings.match ?? {});
  return {
    user: own.user ?? defaults.user,
    organizationalUnit: own.organizationalUnit ?? defaults.organizationalUnit,
    group: own.group ?? defaults.group,
  };
}

function ownRules({ map, match }: SyncConfiguration, usual: CompiledMapping): OwnRules {
  const none = { user: [], organizationalUnit: [], group: [] };
  const mapped = { ...none } as Record<ObjectKind, string[]>;
  for (const kind of objectKinds) mapped[kind] = Object.keys(map?.[kind] ?? {});
  const matched = effectiveMatch({ match }, none);
  return { mapped, matched, usual: usual.attributesRead };
}

function scopesOf(sync: SyncRow, root: string): SyncSpecification['scopes'] {
  const { scopes } = sync.settings;
  if (scopes) return sync.direction === 'egress' ? withoutNested(scopes) : scopes;
  return [sync.direction === 'ingress' ? { source: root, target: '/' } : { source: '/', target: root }];
}

/** Which users and groups of the directory are in scope; null when every scope takes all. */
export function egressFilter(name: string, scopes: SyncSpecification['scopes']): SourceFilter | null {
  const conditions = scopes.map(({ filter }, index) =>
    filter === undefined ? null : compileCondition(filter, `syncs.${name}.scopes.${index}.filter`),
  );
  if (conditions.every((condition) => condition === null)) return null;
  const survey = new SourceSurvey();
  // Names that begin with a dollar sign are of what is no attribute.
  const read = conditions.flatMap(
    (condition) => condition?.attributes.filter((each) => !each.startsWith('$')) ?? [],
  );
  return {
    passes: (kind, scope, attributes) => {
      survey.note(kind, attributes);
      return conditions[scope]?.isMet(attributes) ?? true;
    },
    findUnmet: () => survey.findUnknown(read, 'a filter'),
  };
}

interface TenantSyncs {
  readonly order: readonly SyncRow[];
  readonly mappings: ReadonlyMap<number, CompiledMapping>;
  readonly accountStatesFrom: readonly number[];
  readonly matchAttributes: Record<ObjectKind, string[]>;
}

/** All ingress syncs of a tenant: what they manage and what they match by. */
async function tenantSyncs(app: Application, tenantId: string): Promise<TenantSyncs> {
  const order: SyncRow[] = [];
  const mappings = new Map<number, CompiledMapping>();
  const accountStatesFrom: number[] = [];
  const attributes: Record<ObjectKind, Set<string>> = {
    user: new Set(),
    organizationalUnit: new Set(),
    group: new Set(),
  };
  for (let after: { position: number; id: string } | undefined; ;) {
    const page: SyncRow[] = await selectSyncs(app.store.db, tenantId, { after, limit: pageSize });
    for (const row of page) {
      if (row.direction !== 'ingress') continue;
      order.push(row);
      const connection = await findConnection(app.store.db, tenantId, row.connectionId);
      const connector = connection && app.connectors.get(connection.type);
      if (!connection || !connector) continue;
      const defaults = connector.defaultMapping('ingress', connection.settings);
      mappings.set(row.serial, compileMapping(overlayMapping(defaults, row.settings.map)));
      if (connector.tellsAccountState?.(connection.settings) === true) accountStatesFrom.push(row.serial);
      const match = effectiveMatch(row.settings, connector.defaultMatch);
      for (const kind of objectKinds) for (const rule of match[kind]) attributes[kind].add(rule);
    }
    const last = page.at(-1);
    if (page.length < pageSize || !last) break;
    after = { position: last.position, id: last.id };
  }
  const own = new Set(['username', 'name', 'path']);
  const matchAttributes = { user: [], organizationalUnit: [], group: [] } as Record<ObjectKind, string[]>;
  for (const kind of objectKinds)
    matchAttributes[kind] = [...attributes[kind]].filter((name) => !own.has(name)).sort();
  return { order, mappings, accountStatesFrom, matchAttributes };
}

/**
 * What a saved sync asks of the engine, and which ingress syncs tell account states (`RunnableSync.accountStatesFrom`).
 * @throws LockstepError when its mapping no longer compiles.
 */
export async function specifySync(
  app: Application,
  sync: SyncRow,
  connection: ConnectionRow,
  connector: Connector,
): Promise<{ readonly specification: SyncSpecification; readonly accountStatesFrom: readonly number[] }> {
  const { settings } = sync;
  const defaults = connector.defaultMapping(sync.direction, connection.settings);
  const mapping = compileMapping(overlayMapping(defaults, settings.map), `syncs.${sync.name}.map`);
  const match = effectiveMatch(settings, connector.defaultMatch);
  const scopes = scopesOf(sync, connector.rootNode(connection.settings));
  const tenant = await tenantSyncs(app, sync.tenantId);
  const precedence = await findTenantPrecedence(app.store.db, sync.tenantId);
  const serials = new Map(tenant.order.map((row) => [row.name, row.serial]));
  const byPosition = tenant.order.map((row) => row.serial);
  const orders = new Map<string, readonly number[]>();
  for (const [attribute, names] of Object.entries(precedence)) {
    const named = names.map((name) => serials.get(name)).filter((serial) => serial !== undefined);
    orders.set(attribute, [...named, ...byPosition.filter((serial) => !named.includes(serial))]);
  }
  // Whose values go before its own: by another order what several syncs say of an object comes to something else.
  const aheadOf = (order: readonly number[]): readonly number[] =>
    order.slice(0, Math.max(0, order.indexOf(sync.serial)));
  const ahead = [['', byPosition] as const, ...orders]
    .map(([attribute, order]) => [attribute, aheadOf(order)] as const)
    .filter(([, serials]) => serials.length > 0);
  const version = createHash('sha256')
    .update(
      JSON.stringify([
        engineVersion,
        mapping.version,
        scopes,
        match,
        settings.kinds ?? null,
        ...(settings.actions ? [settings.actions] : []),
        ...(ahead.length > 0 ? [ahead] : []),
        connection.settings,
      ]),
    )
    .digest('hex')
    .slice(0, 32);
  const specification: SyncSpecification = {
    scopes,
    kinds: settings.kinds ?? kinds,
    mapping,
    match,
    own: ownRules(settings, compileMapping(defaults)),
    guard: resolveGuard(settings.guard),
    allowed: settings.actions,
    passwords: settings.passwords,
    version,
    sourceFilter: sync.direction === 'egress' ? egressFilter(sync.name, scopes) : null,
    matchAttributes: tenant.matchAttributes,
    precedence: (attribute) => orders.get(attribute) ?? byPosition,
    managedBy: (serial, kind) => tenant.mappings.get(serial)?.attributesWritten[kind] ?? [],
  };
  return { specification, accountStatesFrom: tenant.accountStatesFrom };
}
