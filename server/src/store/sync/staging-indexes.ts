import { sql } from 'kysely';
import { sideBySide } from './side-by-side.ts';
import type { StagingPlace, StagingTable } from './staging-tables.ts';

/** A table of fewer bytes is read through in less time than an index on it takes to make: most jobs change little. */
const worthwhile = 256 * 1024;

/** Makes indexes of these definitions (what stands behind the table's name) on a table that is large. */
export async function indexStagingTable(
  { store, table, tableName }: StagingPlace,
  name: StagingTable,
  ...definitions: readonly string[]
): Promise<void> {
  const { rows } = await sql<{ bytes: number }>`
    select pg_relation_size(${tableName(name)}::regclass) as bytes`.execute(store.db);
  if ((rows[0]?.bytes ?? 0) < worthwhile) return;
  const make = (definition: string) => () =>
    sql`create index on ${table(name)} ${sql.raw(definition)}`.execute(store.db);
  await sideBySide(store, definitions.map(make));
}
