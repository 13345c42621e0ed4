import { createHash } from 'node:crypto';
import { sql } from 'kysely';
import type { Direction } from '@lockstep/contract/vocabulary.ts';
import type { RunnableJob } from '../../sync/sync-store.ts';
import type { Executor } from '../store.ts';
import { stagingColumns, stagingTablesOf, standingIndexes } from './staging-tables.ts';
import type { StagingTable } from './staging-tables.ts';

/** A larger table is made anew when its job is done, without the indexes it got, instead of being emptied. */
const keptBytes = 256 * 1024;

const keptName = (number: number, name: StagingTable): string => `staging.kept_${number}_${name}`;

/** Of the tables of a direction: sets of another version of the server are not used. */
function shapeOf(direction: Direction): string {
  const definitions = stagingTablesOf(direction).map((name) => [
    name,
    stagingColumns[name],
    standingIndexes[name],
  ]);
  return createHash('sha256').update(JSON.stringify(definitions)).digest('base64url');
}
const shapes: Readonly<Record<Direction, string>> = {
  ingress: shapeOf('ingress'),
  egress: shapeOf('egress'),
};

async function createTable(trx: Executor, number: number, name: StagingTable): Promise<void> {
  const table = sql.raw(keptName(number, name));
  await sql`create unlogged table ${table} (${sql.raw(stagingColumns[name])})`.execute(trx);
  const index = standingIndexes[name];
  if (index !== undefined) await sql`create index on ${table} ${sql.raw(index)}`.execute(trx);
}

async function dropSets(trx: Executor, numbers: readonly number[]): Promise<void> {
  if (numbers.length === 0) return;
  const { rows } = await sql<{ name: string }>`
    select quote_ident(t.tablename) as name from pg_tables t
    join unnest(${numbers}::bigint[]) n (number) on starts_with(t.tablename, format('kept_%s_', n.number))
    where t.schemaname = 'staging'`.execute(trx);
  if (rows.length === 0) return;
  const names = rows.map(({ name }) => `staging.${name}`).join(', ');
  await sql`drop table if exists ${sql.raw(names)}`.execute(trx);
}

async function makeSet(trx: Executor, job: RunnableJob, direction: Direction): Promise<number> {
  const { rows: outdated } = await sql<{ number: number }>`
    delete from staging.kept where number in (
      select number from staging.kept
      where job_serial is null and direction = ${direction} and shape <> ${shapes[direction]} for update skip locked
    ) returning number`.execute(trx);
  await dropSets(
    trx,
    outdated.map(({ number }) => number),
  );
  const { rows } = await sql<{ number: number }>`
    insert into staging.kept (direction, shape, job_serial, attempt)
    values (${direction}, ${shapes[direction]}, ${job.serial}, ${job.attempt}) returning number`.execute(trx);
  const [{ number }] = rows as [{ number: number }];
  for (const name of stagingTablesOf(direction)) await createTable(trx, number, name);
  return number;
}

/** A set of empty staging tables, which is the attempt's until it is given back or dropped. */
export async function takeTables(trx: Executor, job: RunnableJob, direction: Direction): Promise<number> {
  const { rows } = await sql<{ number: number }>`
    update staging.kept set job_serial = ${job.serial}, attempt = ${job.attempt}
    where number = (
      select number from staging.kept
      where job_serial is null and direction = ${direction} and shape = ${shapes[direction]}
      order by number limit 1 for update skip locked
    ) returning number`.execute(trx);
  return rows[0]?.number ?? makeSet(trx, job, direction);
}

/** Empties a set for other jobs, unless another attempt has dropped it. */
export async function giveTablesBack(
  trx: Executor,
  job: RunnableJob,
  direction: Direction,
  number: number,
): Promise<void> {
  const { numAffectedRows } = await sql`
    update staging.kept set job_serial = null, attempt = null
    where number = ${number} and job_serial = ${job.serial} and attempt = ${job.attempt}`.execute(trx);
  if (numAffectedRows !== 1n) return;
  const names = stagingTablesOf(direction);
  const { rows } = await sql<{ index: number; bytes: number }>`
    select (t.position - 1)::int as index, pg_relation_size(t.name::regclass) as bytes
    from unnest(${names.map((name) => keptName(number, name))}::text[]) with ordinality as t (name, position)`.execute(
    trx,
  );
  for (const { index, bytes } of rows) {
    const name = names[index] as StagingTable;
    if (bytes === 0) continue;
    if (bytes < keptBytes) {
      await sql`delete from ${sql.raw(keptName(number, name))}`.execute(trx);
      continue;
    }
    await sql`drop table ${sql.raw(keptName(number, name))}`.execute(trx);
    await createTable(trx, number, name);
  }
}

/** Drops the sets that attempts at a job have taken, be it all of them or those up to one. */
export async function dropKeptTables(trx: Executor, jobSerial: number, through?: number): Promise<void> {
  const { rows } = await sql<{ number: number }>`
    delete from staging.kept
    where job_serial = ${jobSerial} and attempt <= coalesce(${through ?? null}::integer, attempt)
    returning number`.execute(trx);
  await dropSets(
    trx,
    rows.map(({ number }) => number),
  );
}
