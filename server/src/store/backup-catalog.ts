import { sql } from 'kysely';
import { quoteName } from './bulk-copy.ts';
import type { BackupHeader, SequenceState } from './backup-format.ts';
import type { Executor } from './store.ts';

type BackupTable = BackupHeader['tables'][number];

interface CatalogTable {
  readonly name: string;
  readonly columns: string[];
  /** Tables that its foreign keys refer to. */
  readonly refers_to: string[];
}

function inOrder(tables: readonly CatalogTable[]): BackupTable[] {
  const ordered: BackupTable[] = [];
  const seen = new Set<string>();
  function visit({ name, columns, refers_to }: CatalogTable): void {
    if (seen.has(name)) return;
    seen.add(name);
    for (const parent of tables.filter((table) => refers_to.includes(table.name))) visit(parent);
    ordered.push({ name, columns });
  }
  for (const table of tables) visit(table);
  return ordered;
}

/** Counted again by their triggers as the jobs come back. */
const derived = ['job_count', 'job_span'];
/** Passwords that wait to be written are no part of a backup: by the time it is restored their time is over. */
const passing = ['pending_password'];

/** Lockstep's tables: all durable ones of its schema, so that a new migration needs no change here. */
export async function listTables(executor: Executor): Promise<BackupTable[]> {
  const { rows } = await sql<CatalogTable>`
    select c.relname::text as name,
      array(select a.attname::text from pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
        order by a.attnum) as columns,
      array(select p.relname::text from pg_constraint k join pg_class p on p.oid = k.confrelid
        where k.conrelid = c.oid and k.contype = 'f') as refers_to
    from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'r' and c.relpersistence = 'p'
      and c.relname <> 'lockstep_migration' and c.relname <> all (${[...derived, ...passing]}::text[])
    order by c.relname`.execute(executor);
  return inOrder(rows);
}

export async function listMigrations(executor: Executor): Promise<BackupHeader['migrations']> {
  const { rows } = await sql<{ name: string; sha256: string }>`
    select name, sha256 from lockstep_migration order by number`.execute(executor);
  return rows;
}

/** Read after the tables: a sequence may be ahead of the rows, never behind. */
export async function listSequences(executor: Executor): Promise<SequenceState[]> {
  const { rows } = await sql<{ name: string }>`
    select c.relname::text as name from pg_class c
    where c.relnamespace = current_schema()::regnamespace and c.relkind = 'S' order by 1`.execute(executor);
  const states: SequenceState[] = [];
  for (const { name } of rows) {
    const state = await sql<{ last_value: number; is_called: boolean }>`
      select last_value, is_called from ${sql.table(name)}`.execute(executor);
    for (const { last_value, is_called } of state.rows) {
      states.push({ name, lastValue: last_value, isCalled: is_called });
    }
  }
  return states;
}

export async function setSequence(executor: Executor, state: SequenceState): Promise<void> {
  await sql`select setval(${quoteName(state.name)}::regclass, ${state.lastValue}, ${state.isCalled})`.execute(
    executor,
  );
}

export async function isEmpty(executor: Executor, table: string): Promise<boolean> {
  const { rows } = await sql<{
    found: boolean;
  }>`select exists (select from ${sql.table(table)}) as found`.execute(executor);
  return rows[0]?.found !== true;
}

export async function countBlocks(executor: Executor, table: string): Promise<number> {
  const { rows } = await sql<{ blocks: number }>`
    select pg_relation_size(${quoteName(table)}::regclass) / current_setting('block_size')::int as blocks`.execute(
    executor,
  );
  return rows[0]?.blocks ?? 0;
}
