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

  test('none of those that stores have had applied is ever changed', async () => {
    const digests = (await loadMigrations()).map(({ name, sha256 }) => `${name} ${sha256.slice(0, 12)}`);
    expect(digests).toEqual([
      '0001_directory_and_jobs.sql 486a2c7d64ff',
      '0002_log_ranges.sql 853559743d1c',
      '0003_rollups_and_annotations.sql 9c33cafb072e',
      '0004_access.sql 5d616e5151d6',
      '0005_oauth_and_zones.sql b6c2705877ce',
      '0006_custom_fields.sql 800a62ba4fad',
      '0007_property_mappings.sql e93a137765dd',
      '0008_job_lists.sql 4479f9e26d57',
      '0009_replica.sql 6b95620484c7',
      '0010_scim.sql cd89b074f719',
      '0011_signing_keys.sql e5cd3c30ed9e',
      '0012_full_reads.sql 3b42518e02d3',
      '0013_former_connection_type.sql 114ae5443bf1',
      '0014_shared_pace.sql ae7f4bd4902d',
      '0015_least_time.sql 1e9451fc916f',
      '0016_job_spans.sql ab50e538ba0c',
      '0017_pending_passwords.sql 81553e5052ca',
      '0018_staging_mark.sql c3a6689bd297',
      '0019_disabled_users.sql 9d09c3e82aff',
      '0020_reference_links.sql 19980a58d6ab',
      '0021_undo.sql 4e218be72297',
      '0022_following_changes.sql 8a807b042cd2',
      '0023_kept_staging.sql e8f9151b445b',
      '0024_forgotten_images.sql 4e5e56925681',
      '0025_object_history.sql 973c80195b56',
      '0026_former_links.sql 6375319b73b6',
      '0027_accounts.sql 947b9b2c449f',
      '0028_lists_of_a_tenant.sql f09c37dfe6cc',
    ]);
  });
});
