import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Client } from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres } from '../../../test/servers/postgres.ts';
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { loadMigrations, migrate, migrationsDigest } from './migrate.ts';

describe('migrate', () => {
  let server: PostgresServer;
  let folder: string;
  beforeAll(async () => {
    server = await startPostgres();
    folder = await mkdtemp(join(tmpdir(), 'lockstep-migrations-'));
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });

  async function load(files: Record<string, string>) {
    await rm(folder, { recursive: true });
    folder = await mkdtemp(join(tmpdir(), 'lockstep-migrations-'));
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    return loadMigrations(pathToFileURL(`${folder}/`));
  }
  async function onNewDatabase(work: (client: Client) => Promise<void>): Promise<void> {
    const client = new Client({ connectionString: await server.createDatabase() });
    await client.connect();
    try {
      await work(client);
    } finally {
      await client.end();
    }
  }
  const one = { '0001_one.sql': 'create table one (a int);' };
  const two = { ...one, '0002_two.sql': 'create table two (a int); insert into one values (2);' };

  test('applies what is new, in order, once', async () => {
    await onNewDatabase(async (client) => {
      expect(await migrate(client, await load(one))).toEqual(['0001_one.sql']);
      expect(await migrate(client, await load(two))).toEqual(['0002_two.sql']);
      expect(await migrate(client, await load(two))).toEqual([]);
      expect((await client.query('select * from one')).rows).toEqual([{ a: 2 }]);
    });
  });

  test('refuses a changed migration and a store of a newer version', async () => {
    await onNewDatabase(async (client) => {
      await migrate(client, await load(two));
      await expect(migrate(client, await load(one))).rejects.toThrow(
        /0002_two.sql, which this version does not know/,
      );
      const changed = await load({ ...two, '0001_one.sql': 'create table one (a bigint);' });
      await expect(migrate(client, changed)).rejects.toThrow(/0001_one.sql was applied with other contents/);
    });
  });

  test('one that fails leaves nothing of itself and what came before it', async () => {
    await onNewDatabase(async (client) => {
      const broken = await load({ ...one, '0002_two.sql': 'create table two (a int); select 1/0;' });
      await expect(migrate(client, broken)).rejects.toMatchObject({
        code: 'StoreUnavailable',
        message: expect.stringContaining('0002_two.sql failed'),
      });
      expect(await migrate(client, await load(two))).toEqual(['0002_two.sql']);
    });
  });

  test('numbers must be without gaps, and the digest tells every change', async () => {
    await expect(load({ '0002_two.sql': '' })).rejects.toMatchObject({ code: 'Internal' });
    const before = migrationsDigest(await load(one));
    expect(migrationsDigest(await load(two))).not.toBe(before);
    expect(migrationsDigest(await load({ '0001_one.sql': 'create table one (a int); ' }))).not.toBe(before);
  });
});
