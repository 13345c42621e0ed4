import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { sql } from 'kysely';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { startChild } from '../../../test/programs/child.ts';
import { startPostgres } from '../../../test/servers/postgres.ts';
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { openQueue } from '../jobs/queue.ts';
import { openStore } from './open.ts';
import { addressOf, assertOwnSessions } from './postgres.ts';
import { prepared } from './prepared.ts';

/** Everybody but the superuser of a test server is asked for a password. */
async function writePasswordRules(): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'lockstep-rules-')), 'pg_hba.conf');
  onTestFinished(() => rm(dirname(path), { recursive: true }));
  await chmod(dirname(path), 0o755);
  await writeFile(path, 'host all postgres all trust\nhost all all all scram-sha-256\n');
  return path;
}

describe('a store on a server', () => {
  let server: PostgresServer;
  beforeAll(async () => {
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.stop();
  });

  test('that cannot be reached is said to be unavailable, without the password', async () => {
    const failing = openStore({ databaseUrl: 'postgres://lockstep:hunter2@127.0.0.1:1/lockstep' });
    const error = await failing.catch((caught: unknown) => caught);
    expect(error).toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('127.0.0.1:1/lockstep'),
    });
    expect(String(error)).not.toContain('hunter2');
    await expect(
      openStore({ databaseUrl: server.url.replace(/postgres$/, 'nowhere') }),
    ).rejects.toMatchObject({
      code: 'StoreUnavailable',
      cause: expect.objectContaining({ code: '3D000' }),
    });
    expect(addressOf('postgres://u:p@db.example.com:5433/x?sslmode=require')).toBe('db.example.com:5433/x');
  });

  test('whose database cannot hold every name, or may not be written, is refused when it is opened', async () => {
    const databaseUrl = await server.createDatabase();
    const name = new URL(databaseUrl).pathname.slice(1);
    await using store = await openStore({ databaseUrl });
    await store.session.execute(
      `create database ${name}_bytes template template0 encoding 'SQL_ASCII' locale 'C'`,
    );
    await expect(openStore({ databaseUrl: `${databaseUrl}_bytes` })).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('SQL_ASCII'),
    });
    await store.session.execute(`alter database ${name} set default_transaction_read_only = on`);
    await expect(openStore({ databaseUrl })).rejects.toMatchObject({
      code: 'StoreUnavailable',
      message: expect.stringContaining('read-only'),
    });
  });

  test('that the role may not use, or not without a password, is said with what to do about it', async () => {
    const databaseUrl = await server.createDatabase();
    const name = new URL(databaseUrl).pathname.slice(1);
    const admin = new Client({ connectionString: databaseUrl });
    await admin.connect();
    await admin.query(`create role guest login; grant create on schema public to guest`);
    await admin.end();
    await expect(
      openStore({ databaseUrl: databaseUrl.replace('postgres@', 'guest@') }),
    ).rejects.toMatchObject({
      message: expect.stringContaining(`permission denied for database ${name}`),
      remedy: expect.stringContaining('grant create on database'),
    });
    await using asking = await startPostgres({ settings: [`hba_file=${await writePasswordRules()}`] });
    await expect(openStore({ databaseUrl: asking.url.replace('postgres@', 'guest@') })).rejects.toMatchObject(
      {
        message: expect.stringContaining('asks for a password'),
        remedy: expect.stringContaining('PGPASSWORD'),
      },
    );
  });

  test('is refused behind a pooler that has several connections use one session', async () => {
    const client = new Client({ connectionString: server.url });
    await client.connect();
    try {
      await expect(assertOwnSessions(client, client, 'db.example.com')).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('pooler'),
      });
    } finally {
      await client.end();
    }
  });

  test('keeps to its own settings where those of the database would break statements', async () => {
    const databaseUrl = await server.createDatabase();
    const name = new URL(databaseUrl).pathname.slice(1);
    const first = await openStore({ databaseUrl });
    const settings = [
      "statement_timeout = '1s'",
      "lock_timeout = '1s'",
      "default_transaction_isolation = 'serializable'",
      "DateStyle = 'German'",
      'standard_conforming_strings = off',
    ];
    for (const setting of settings) await first.session.execute(`alter database ${name} set ${setting}`);
    await first.close();
    await using store = await openStore({ databaseUrl });
    const { rows } = await store.session.execute(`
      select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
        current_setting('transaction_isolation') as isolation, '2024-02-29T12:00:00Z'::timestamptz as moment`);
    expect(rows).toEqual([
      { statement: '0', lock: '0', isolation: 'read committed', moment: new Date('2024-02-29T12:00:00Z') },
    ]);
    await using queue = await openQueue(store);
    const delivered = Promise.withResolvers<string>();
    await queue.work(1, async ({ jobId }) => delivered.resolve(jobId));
    await store.transaction((trx) => queue.send(trx, { jobId: 'sync_1', syncId: 'syn_1' }));
    expect(await delivered.promise).toBe('sync_1');
  });

  test('processes that start together migrate once', async () => {
    const databaseUrl = await server.createDatabase();
    const stores = await Promise.all(
      Array.from({ length: 4 }, () => openStore({ databaseUrl }, { connections: 2 })),
    );
    const { rows } = await stores[0]!.session.execute(
      'select number from lockstep_migration order by number',
    );
    expect(new Set(rows.map(({ number }) => number)).size).toBe(rows.length);
    for (const store of stores) await store.close();
  });

  test('ends a transaction of a process that stands still, so that it holds no job for good', async () => {
    await using store = await openStore({ databaseUrl: await server.createDatabase() });
    const { rows } = await store.session.execute('show idle_in_transaction_session_timeout');
    expect(rows).toEqual([{ idle_in_transaction_session_timeout: '2min' }]);
  });

  test('compiles no statement, and plans those that are marked once for each connection', async () => {
    await using store = await openStore({ databaseUrl: await server.createDatabase() });
    await store.transaction(async (trx) => {
      for (const value of [1, 2, 2]) {
        const { rows } = await sql<{ value: number }>`${prepared} select ${value}::integer as value`.execute(
          trx,
        );
        expect(rows).toEqual([{ value }]);
      }
      const kept = await sql`select statement from pg_prepared_statements`.execute(trx);
      expect(kept.rows).toEqual([{ statement: '/* prepared */ select $1::integer as value' }]);
      expect((await sql`show jit`.execute(trx)).rows).toEqual([{ jit: 'off' }]);
    });
  });

  test('a lost connection is an error for its query and no end for the store', async () => {
    await using store = await openStore({ databaseUrl: await server.createDatabase() });
    await expect(store.session.execute('select pg_terminate_backend(pg_backend_pid())')).rejects.toThrow();
    expect((await store.session.execute('select 1 as one')).rows).toEqual([{ one: 1 }]);
  });

  test('a job of a worker that was killed is taken over by another one', async () => {
    const databaseUrl = await server.createDatabase();
    await using store = await openStore({ databaseUrl });
    await using queue = await openQueue(store);
    await store.transaction((trx) => queue.send(trx, { jobId: 'sync_1', syncId: 'syn_1' }));
    const first = startChild('hold-store.ts', ['url', databaseUrl, 'job']);
    expect([await first.line(), await first.line()].toSorted()).toEqual(['open', 'sync_1']);
    const delivered = Promise.withResolvers<string>();
    await queue.work(1, async ({ jobId }) => delivered.resolve(jobId));
    await first.kill();
    expect(await delivered.promise).toBe('sync_1');
  });
});
