import { sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { Store } from './store.ts';

/**
 * Makes the room of rows that went free for others where they are many, by the rule of PostgreSQL's autovacuum. The
 * embedded engine has none: its catalogs grew with each set of tables that was dropped, and tables with each update.
 */
export async function tidy(store: Store): Promise<void> {
  if (store.engine !== 'embedded') return;
  const { rows } = await sql<{ name: string }>`
    select format('%I.%I', schemaname, relname) as name from pg_stat_all_tables
    where n_dead_tup > 50 + 0.2 * n_live_tup and schemaname <> 'pg_toast'`.execute(store.db);
  for (const { name } of rows) {
    try {
      await sql`vacuum ${sql.raw(name)}`.execute(store.db);
    } catch (error) {
      // SQLSTATE undefined_table: a staging table that was dropped meanwhile.
      if (!(error instanceof DatabaseError) || error.code !== '42P01') throw error;
    }
  }
}
