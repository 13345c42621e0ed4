import { sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { Store } from './store.ts';

/** What jobs are found by; their statistics and findings are never read. */
const jobColumns = sql.raw(
  'job (id, tenant_id, sync_id, connection_id, mode, status, started_at, ended_at, undoes_job_id)',
);

/**
 * Tells the database how many jobs there are, when a tenth of them is new: it took each sync to have a few, and every
 * look for the last one of a sync, which is taken each second, went through them all.
 */
async function introduceJobs(store: Store): Promise<void> {
  const { rows } = await sql`
    select from pg_stat_user_tables
    where relname = 'job' and n_mod_since_analyze > 50 + 0.1 * n_live_tup`.execute(store.db);
  if (rows.length > 0) await sql`analyze ${jobColumns}`.execute(store.db);
}

/**
 * Makes the room of rows that went free for others where they are many, by the rule of PostgreSQL's autovacuum. The
 * embedded engine has none: its catalogs grew with each set of tables that was dropped, and tables with each update.
 */
export async function tidy(store: Store): Promise<void> {
  if (store.engine !== 'embedded') return;
  await introduceJobs(store);
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
