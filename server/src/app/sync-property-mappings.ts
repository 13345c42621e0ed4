import { parseRuleSet } from '../mapping/rule-set.ts';
import type { ConfiguredMap, ConfiguredRule } from '../mapping/configured.ts';
import type { SyncMappingRow } from '../store/queries/property-mappings.ts';
import type { SyncRow } from '../store/queries/syncs.ts';
import type { Actor } from './actor.ts';
import type { Application, Transaction } from './application.ts';
import { saveSync } from './syncs.ts';

type MappedKind = SyncMappingRow['kind'];

function rulesOf(
  rows: readonly Pick<SyncMappingRow, 'kind' | 'expression' | 'name'>[],
  kind: MappedKind,
): Record<string, ConfiguredRule> | undefined {
  const own = rows.filter((row) => row.kind === kind);
  if (own.length === 0) return undefined;
  return Object.assign({}, ...own.map((row) => parseRuleSet(row.expression, row.name))) as Record<
    string,
    ConfiguredRule
  >;
}

/**
 * The `map` of a sync by its property mappings; a kind without any has no rules of its own, so that the connector's
 * default mapping holds for it.
 */
export function mapOfPropertyMappings(
  before: ConfiguredMap | undefined,
  rows: readonly Pick<SyncMappingRow, 'kind' | 'expression' | 'name'>[],
): ConfiguredMap | undefined {
  const { user: _, group: __, ...rest } = before ?? {};
  const user = rulesOf(rows, 'user');
  const group = rulesOf(rows, 'group');
  const map = { ...rest, ...(user && { user }), ...(group && { group }) };
  return Object.keys(map).length === 0 ? undefined : map;
}

/** Saves a sync with the map that its property mappings, of both kinds, give it. */
export async function mapSyncByPropertyMappings(
  app: Application,
  trx: Transaction,
  actor: Actor,
  sync: SyncRow,
  rows: readonly Pick<SyncMappingRow, 'kind' | 'expression' | 'name'>[],
): Promise<void> {
  const { map: before, ...settings } = sync.settings;
  const map = mapOfPropertyMappings(before, rows);
  await saveSync(app, trx, actor, sync.name, { ...settings, ...(map && { map }) }, sync.position);
}
