import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { directionFaults } from '../config/direction-faults.ts';
import { nestingFault, pathContains } from '../config/scope-overlap.ts';
import { parsePath } from '../directory/path.ts';
import { closestName } from '../kernel/closest-name.ts';
import { LockstepError } from '../kernel/errors.ts';
import { compileMapping, type CompiledMapping } from '../mapping/compile.ts';
import { overlayMapping } from '../mapping/configured.ts';
import type { ConnectionRow } from '../store/queries/connections.ts';
import type { Endpoint } from '../sync/connector.ts';
import { isSameNode, type Contains } from '../sync/external-nodes.ts';
import type { Application } from './application.ts';
import { egressFilter } from './sync-specification.ts';
import { openSecrets, trialContext } from './connections.ts';

/** Match rules that are no attributes of the mapping. */
const builtInMatchRules: Readonly<Record<ObjectKind, readonly string[]>> = {
  user: ['username', 'path', 'name'],
  organizationalUnit: ['path', 'name'],
  group: ['path', 'name'],
};

function matchRules(
  configuration: SyncConfiguration,
): Partial<Record<ObjectKind, readonly string[] | undefined>> {
  return Array.isArray(configuration.match) ? { user: configuration.match } : (configuration.match ?? {});
}

/** Match rules name directory attributes: those that the mapping writes on ingress, and reads on egress. */
function checkMatchRules(configuration: SyncConfiguration, mapping: CompiledMapping, field: string): void {
  const side = configuration.direction === 'ingress' ? mapping.attributesWritten : mapping.attributesRead;
  const rules = matchRules(configuration);
  for (const kind of objectKinds) {
    const known = new Set([...builtInMatchRules[kind], ...side[kind]]);
    const folded = new Set([...known].map((name) => name.toLowerCase()));
    for (const [index, rule] of (rules[kind] ?? []).entries()) {
      if (folded.has(rule.toLowerCase())) continue;
      const near = closestName(rule, [...known]);
      const meant =
        near === undefined ? `Use one of ${[...known].sort().join(', ')}` : `Write ${near}, if that is meant`;
      const at = Array.isArray(configuration.match) ? `${field}.match` : `${field}.match.${kind}`;
      throw new LockstepError(
        'InvalidConfiguration',
        `${at}: ${kind} has no attribute ${rule} in this sync`,
        {
          field: `${at}.${index}`,
          remedy: `${meant}, or map the attribute.`,
        },
      );
    }
  }
}

/** Lets a check fail with the field's name in message and detail. */
function checkField(field: string, check: () => void): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    const code = error.code === 'InvalidRequest' ? 'InvalidConfiguration' : error.code;
    const message = error.message.startsWith(field) ? error.message : `${field}: ${error.message}`;
    throw new LockstepError(code, message, { field, remedy: error.remedy, cause: error });
  }
}

/** A node that can be used: it is written right, and lies under the connection's own. */
function checkNode(endpoint: Endpoint, root: string, node: string): void {
  if (endpoint.contains(root, node)) return;
  throw new LockstepError(
    'InvalidConfiguration',
    `${JSON.stringify(node)} does not lie under the connection's own node, ${JSON.stringify(root)}`,
    { remedy: 'Correct the node, or give the connection a baseDn that lies above it.' },
  );
}

type Scope = NonNullable<SyncConfiguration['scopes']>[number];

/** @param reason why one scope cannot lie in another one: with no words, because it lies there; undefined: it can. */
function refuseOverlap(
  nodes: readonly string[],
  contains: Contains,
  field: string,
  side: 'source' | 'target',
  reason: (outer: number, inner: number) => string | undefined = () => '',
): void {
  for (const [index, outer] of nodes.entries()) {
    for (const [other, inner] of nodes.entries()) {
      if (index === other || !contains(outer, inner)) continue;
      const why = reason(index, other);
      if (why === undefined) continue;
      throw new LockstepError(
        'InvalidConfiguration',
        `${field}.scopes: ${side} ${JSON.stringify(outer)} contains ${JSON.stringify(inner)}${why && `, and ${why}`}`,
        {
          field: `${field}.scopes.${other}.${side}`,
          remedy: 'Scopes must not overlap: keep the outer or the inner one.',
        },
      );
    }
  }
}

/**
 * No object may have two places, neither in the connected system nor in the directory. Several sources may come together
 * in one place.
 */
function checkScopes(
  configuration: SyncConfiguration,
  endpoint: Endpoint,
  root: string,
  field: string,
): void {
  const scopes = configuration.scopes ?? [];
  const external = configuration.direction === 'ingress' ? 'source' : 'target';
  const inside = external === 'source' ? 'target' : 'source';
  for (const [index, scope] of scopes.entries()) {
    const at = `${field}.scopes.${index}`;
    checkField(`${at}.${inside}`, () => parsePath(scope[inside]));
    checkField(`${at}.${external}`, () => checkNode(endpoint, root, scope[external]));
    const { filter } = scope;
    if (external === 'source' && filter !== undefined)
      checkField(`${at}.filter`, () => endpoint.checkFilter?.(filter));
  }
  const nodes = (side: 'source' | 'target'): string[] => scopes.map((scope) => scope[side]);
  // Without a tree everything is in one place, and what came from where is told by the links.
  const isFlat = !endpoint.capabilities.kinds.includes('organizationalUnit');
  const contains: Contains = (outer, inner) => endpoint.contains(outer, inner);
  if (external === 'source') {
    refuseOverlap(nodes('source'), contains, field, 'source');
    return;
  }
  const lies: Contains = (outer, inner) => contains(outer, inner) && !isSameNode(contains, outer, inner);
  if (!isFlat) refuseOverlap(nodes('target'), lies, field, 'target');
  refuseOverlap(nodes('source'), pathContains, field, 'source', (outer, inner) =>
    nestingFault(scopes[outer] as Scope, scopes[inner] as Scope, contains),
  );
}

/** @throws LockstepError InvalidConfiguration for what the direction of a sync does not allow. */
function refuseDirection(configuration: SyncConfiguration, connectionType: string, field: string): void {
  const [fault] = directionFaults(connectionType, configuration);
  if (fault === undefined) return;
  const at = `${field}.${fault.path.join('.')}`;
  throw new LockstepError(fault.code, `${at}: ${fault.message}`, { field: at, remedy: fault.remedy });
}

/**
 * Checks all of a sync that can be known before it runs: mapping, match rules, scopes. The schedule is checked where
 * its next run is computed. A connection without an installed connector is not looked into.
 * @throws LockstepError InvalidConfiguration, InvalidExpression.
 */
export async function validateSync(
  app: Application,
  name: string,
  configuration: SyncConfiguration,
  connection: Pick<ConnectionRow, 'id' | 'name' | 'type' | 'settings' | 'sealedSecrets'>,
): Promise<void> {
  const connector = app.connectors.get(connection.type);
  if (connector === undefined) return;
  const field = `syncs.${name}`;
  refuseDirection(configuration, connection.type, field);
  const defaults = connector.defaultMapping(configuration.direction, connection.settings);
  const mapping = compileMapping(overlayMapping(defaults, configuration.map), `${field}.map`);
  checkMatchRules(configuration, mapping, field);
  if (configuration.direction === 'egress') egressFilter(name, configuration.scopes ?? []);
  const context = trialContext(app, openSecrets(app.vault, connection));
  await using endpoint = await connector.open(connection.settings, context);
  checkScopes(configuration, endpoint, connector.rootNode(connection.settings), field);
}
