import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { Store } from '../store.ts';
import type { StagingPlace, StagingTable } from './staging-tables.ts';

/** A tenth of the usual sample: keys are evenly spread, and a job that reads little must not wait for it. */
const sample = 10;

/** Columns that staging tables are looked up by; all of them where none are named. */
const columns: Partial<Record<StagingTable, string>> = {
  object:
    '(kind, external_id, object_id, linked, settled, reference, alias, depth, name_key, parent_reference, matched_by, error_code, conflict_code)',
};

/** Tells the planner about tables, with their columns where not all of them matter, from a small sample. */
export async function analyzeQuickly(store: Store, tables: readonly RawBuilder<unknown>[]): Promise<void> {
  await store.transaction(async (trx) => {
    await sql`select set_config('default_statistics_target', ${String(sample)}, true)`.execute(trx);
    for (const table of tables) await sql`analyze ${table}`.execute(trx);
  });
}

/** Tells the planner what is in staging tables. Images are not looked at: they would make it slow. */
export async function analyzeStaged(
  { store, table }: StagingPlace,
  ...names: readonly StagingTable[]
): Promise<void> {
  await analyzeQuickly(
    store,
    names.map((name) => sql`${table(name)} ${sql.raw(columns[name] ?? '')}`),
  );
}
