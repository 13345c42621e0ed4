import { sql } from 'kysely';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { Executor, Store } from '../store.ts';
import { stagingColumns, stagingTablesOf } from './staging-tables.ts';
import type { StagingContext, StagingTable } from './staging-tables.ts';

/** A larger table is dropped when its job is done, with its indexes, instead of being emptied. */
const keptBytes = 256 * 1024;

/** Tables that outlive their job, emptied, on a store that one process has to itself. */
interface KeptTables {
  readonly number: number;
  readonly made: Set<StagingTable>;
}

/** By store: sets of kept tables that no job uses, and how many there are. */
const keptTables = new WeakMap<Store, { readonly free: KeptTables[]; count: number }>();

function contextOf(store: Store, job: RunnableJob, sync: RunnableSync, prefix: string): StagingContext {
  const tableName = (name: StagingTable): string => `staging.${prefix}_${name}`;
  return { store, job, sync, tableName, table: (name) => sql.raw(tableName(name)) };
}

async function createTable({ store, table }: StagingContext, name: StagingTable): Promise<void> {
  await sql`create unlogged table ${table(name)} (${sql.raw(stagingColumns[name])})`.execute(store.db);
}

/** Drops the staging tables of a job on a server: of one attempt, or of whatever attempt. */
export async function dropStagingTables(store: Store, jobSerial: number, attempt?: number): Promise<void> {
  if (store.engine === 'embedded') return;
  const prefix = attempt === undefined ? `job_${jobSerial}_` : `job_${jobSerial}_${attempt}_`;
  const { rows } = await sql<{ name: string }>`
    select quote_ident(tablename) as name from pg_tables
    where schemaname = 'staging' and starts_with(tablename, ${prefix})`.execute(store.db);
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => `staging.${name}`).join(', ');
  await sql`drop table if exists ${sql.raw(names)}`.execute(store.db);
}

async function takeKeptTables(context: StagingContext, kept: KeptTables): Promise<void> {
  for (const name of stagingTablesOf(context.sync.direction)) {
    if (kept.made.has(name)) continue;
    // An earlier process may have left it.
    await sql`drop table if exists ${context.table(name)}`.execute(context.store.db);
    await createTable(context, name);
    kept.made.add(name);
  }
}

async function giveBackKeptTables(
  { store, table, tableName }: StagingContext,
  kept: KeptTables,
): Promise<void> {
  for (const name of kept.made) {
    const { rows } = await sql<{ bytes: number }>`
      select pg_relation_size(${tableName(name)}::regclass) as bytes`.execute(store.db);
    if ((rows[0]?.bytes ?? 0) < keptBytes) {
      await sql`delete from ${table(name)}`.execute(store.db);
      continue;
    }
    kept.made.delete(name);
    await sql`drop table ${table(name)}`.execute(store.db);
  }
}

async function markAttempt({ store }: StagingContext, { serial, attempt }: RunnableJob): Promise<void> {
  await sql`
    insert into staging.attempt (job_serial, attempt) values (${serial}, ${attempt}) on conflict do nothing`.execute(
    store.db,
  );
}

async function unmarkAttempt({ store }: StagingContext, { serial, attempt }: RunnableJob): Promise<void> {
  await sql`delete from staging.attempt where job_serial = ${serial} and attempt <= ${attempt}`.execute(
    store.db,
  );
}

/**
 * What is planned from staging tables that a crash of the server has emptied takes everything for gone, or for equal.
 * @throws LockstepError StoreUnavailable, so that the job is read and planned again
 */
export async function requireStaged(trx: Executor, { serial, attempt }: RunnableJob): Promise<void> {
  const { rows } = await sql`
    select from staging.attempt where job_serial = ${serial} and attempt = ${attempt}`.execute(trx);
  if (rows.length > 0) return;
  throw new LockstepError(
    'StoreUnavailable',
    'the database has crashed while the job was planned, and what was staged is gone: the job begins again',
  );
}

/** A staging area with its tables, all of them empty. Disposing it leaves nothing in them. */
export interface StagingArea extends AsyncDisposable {
  readonly context: StagingContext;
}

/**
 * On a server the tables are named by the job and the attempt at it, since another attempt may still write into its own.
 * On the embedded store, where making tables takes longer than a small job, they are used again.
 */
export async function openStagingArea(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
): Promise<StagingArea> {
  if (store.engine === 'server') {
    const context = contextOf(store, job, sync, `job_${job.serial}_${job.attempt}`);
    // What an interrupted attempt at the job left.
    await dropStagingTables(store, job.serial);
    for (const name of stagingTablesOf(sync.direction)) await createTable(context, name);
    await markAttempt(context, job);
    return {
      context,
      async [Symbol.asyncDispose]() {
        // Another attempt may be at work already: its tables are not this one's.
        await dropStagingTables(store, job.serial, job.attempt);
        await unmarkAttempt(context, job);
      },
    };
  }
  const all = keptTables.get(store) ?? { free: [], count: 0 };
  keptTables.set(store, all);
  const kept = all.free.pop() ?? { number: (all.count += 1), made: new Set<StagingTable>() };
  const context = contextOf(store, job, sync, `kept_${kept.number}`);
  await takeKeptTables(context, kept);
  await markAttempt(context, job);
  return {
    context,
    async [Symbol.asyncDispose]() {
      // A set that could not be emptied is never used again.
      await giveBackKeptTables(context, kept);
      all.free.push(kept);
      await unmarkAttempt(context, job);
    },
  };
}
