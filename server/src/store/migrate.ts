import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { DatabaseError } from 'pg';
import type pg from 'pg';
import { LockstepError } from '../kernel/errors.ts';

/** One numbered file of SQL, applied once and never changed. */
export interface Migration {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
  readonly text: string;
}

const folder = new URL('./migrations/', import.meta.url);
const fileName = /^(\d{4})_([a-z0-9_]+)\.sql$/;
// Any constant will do; it only has to be the same in every process.
const advisoryLock = 5_391_021;
/** SQLSTATE of a statement that the role has no right to. */
const insufficientPrivilege = '42501';
const rightsRemedy =
  'Connect as the owner of the database, or let the role create schemas in it (grant create on database NAME to ROLE).';

/** The migrations in the order of their numbers. */
export async function loadMigrations(directory: URL = folder): Promise<Migration[]> {
  const names = (await readdir(directory)).filter((name) => name.endsWith('.sql')).sort();
  const migrations: Migration[] = [];
  for (const name of names) {
    const number = Number(fileName.exec(name)?.[1]);
    if (number !== migrations.length + 1) {
      throw new LockstepError('Internal', `Migration ${name} is not number ${migrations.length + 1}`);
    }
    const text = await readFile(new URL(name, directory), 'utf8');
    migrations.push({ number, name, sha256: createHash('sha256').update(text).digest('hex'), text });
  }
  return migrations;
}

/** Changes whenever any migration does. */
export function migrationsDigest(migrations: readonly Migration[]): string {
  const digest = createHash('sha256');
  for (const { name, sha256 } of migrations) digest.update(`${name} ${sha256}\n`);
  return digest.digest('hex');
}

interface Applied {
  readonly number: number;
  readonly name: string;
  readonly sha256: string;
}

function assertUnchanged(applied: readonly Applied[], migrations: readonly Migration[]): void {
  for (const row of applied) {
    const known = migrations[row.number - 1];
    if (known === undefined) {
      throw new LockstepError(
        'StoreUnavailable',
        `The store has migration ${row.name}, which this version does not know`,
        {
          remedy: 'Run the version of Lockstep that wrote this store, or a newer one.',
        },
      );
    }
    if (known.sha256 !== row.sha256) {
      throw new LockstepError(
        'StoreUnavailable',
        `Migration ${row.name} was applied with other contents than it has now`,
        {
          remedy: 'Restore the file as it was when it was applied; make a new migration for a change.',
        },
      );
    }
  }
}

async function applyOne(client: pg.ClientBase, migration: Migration): Promise<void> {
  await client.query('begin');
  try {
    await client.query(migration.text);
    await client.query('insert into lockstep_migration (number, name, sha256) values ($1, $2, $3)', [
      migration.number,
      migration.name,
      migration.sha256,
    ]);
    await client.query('commit');
  } catch (cause) {
    await client.query('rollback');
    throw new LockstepError('StoreUnavailable', `Migration ${migration.name} failed: ${String(cause)}`, {
      cause,
      remedy:
        cause instanceof DatabaseError && cause.code === insufficientPrivilege ? rightsRemedy : undefined,
    });
  }
}

/**
 * Brings the schema up to date, each migration in a transaction of its own. Processes that start together wait for
 * each other at an advisory lock.
 * @returns the names of what was applied
 */
export async function migrate(client: pg.ClientBase, migrations: readonly Migration[]): Promise<string[]> {
  await client.query('select pg_advisory_lock($1)', [advisoryLock]);
  try {
    await client.query(`create table if not exists lockstep_migration (
      number integer primary key, name text not null, sha256 text not null, applied_at timestamptz not null default now())`);
    const { rows: applied } = await client.query<Applied>(
      'select number, name, sha256 from lockstep_migration order by number',
    );
    assertUnchanged(applied, migrations);
    const pending = migrations.filter(({ number }) => number > applied.length);
    for (const migration of pending) await applyOne(client, migration);
    return pending.map(({ name }) => name);
  } finally {
    await client.query('select pg_advisory_unlock($1)', [advisoryLock]);
  }
}
