import { randomBytes } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { setTimeout } from 'node:timers/promises';
import { gunzipSync, gzipSync } from 'node:zlib';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startPostgres } from '../../../test/servers/postgres.ts';
import type { PostgresServer } from '../../../test/servers/postgres.ts';
import { newId, newJobId } from '../kernel/ids.ts';
import { restoreBackup, writeBackup } from './backup.ts';
import { openStore } from './open.ts';
import type { Store } from './store.ts';

/** Rows with what text formats stumble over; photos are larger than a block. */
async function fill(store: Store): Promise<void> {
  const tenant = newId('tenant');
  await store.db.insertInto('tenant').values({ id: tenant, name: 'Ä\t\\N\n"acme"' }).execute();
  const rows = Array.from({ length: 3000 }, (_, index) => [
    newId('user'),
    tenant,
    index % 7 === 0 ? null : 'ou_x',
    `user ${index}\\`,
    `user${index}`,
    { note: ['a\tb', '\\.', 'ü\n'], photo: index % 50 === 0 ? randomBytes(20_000).toString('base64') : '' },
    index,
  ]);
  const columns = ['id', 'tenant_id', 'parent_id', 'username', 'username_key', 'attributes', 'revision'];
  await store.copyInto(store.db, 'directory_user', columns, rows);
  const account = newId('account');
  await store.db
    .insertInto('account')
    .values({ id: account, tenant_id: tenant, name: 'a', role: 'administrator' })
    .execute();
  await store.db
    .insertInto('access_key')
    .values({ id: 'k', tenant_id: tenant, account_id: account, sealed_secret: randomBytes(64) })
    .execute();
  await store.db
    .insertInto('job')
    .values({
      id: newJobId(),
      tenant_id: tenant,
      sync_id: 's',
      connection_id: 'c',
      sync_name: 'n',
      direction: 'ingress',
      mode: 'apply',
      status: 'success',
      started_through: 'cli',
    })
    .execute();
  await sql`select setval('directory_revision', 4711)`.execute(store.db);
}

async function contents(store: Store): Promise<unknown> {
  const { rows } = await sql`
    select (select json_agg(t order by t.id) from tenant t) as tenants,
      (select md5(string_agg(u::text, '|' order by u.id)) from directory_user u) as users,
      (select json_agg(k) from access_key k) as keys, (select json_agg(j) from job j) as jobs`.execute(
    store.db,
  );
  return rows;
}

describe('backup', () => {
  let folder: string;
  let server: PostgresServer;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lockstep-backup-'));
    server = await startPostgres();
  });
  afterAll(async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  });
  const embedded = (name: string) => openStore({ data: join(folder, name) });
  const onServer = async () => openStore({ databaseUrl: await server.createDatabase() });

  test('goes from the embedded engine to a server and back without a difference', async () => {
    await using first = await embedded('first');
    await fill(first);
    const report = await writeBackup(first, join(folder, 'one.backup'));
    expect(report.rows).toMatchObject({ tenant: 1, directory_user: 3000, job: 1, change: 0 });
    expect((await stat(join(folder, 'one.backup'))).mode & 0o777).toBe(0o600);

    await using second = await onServer();
    expect((await restoreBackup(second, join(folder, 'one.backup'))).rows).toEqual(report.rows);
    expect(await contents(second)).toEqual(await contents(first));

    await writeBackup(second, join(folder, 'two.backup'));
    await using third = await embedded('third');
    await restoreBackup(third, join(folder, 'two.backup'));
    expect(await contents(third)).toEqual(await contents(first));
    for (const store of [second, third]) {
      const { rows } = await sql<{ next: number }>`select nextval('directory_revision') as next`.execute(
        store.db,
      );
      expect(rows).toEqual([{ next: 4712 }]);
      await store.db
        .insertInto('tenant')
        .values({ id: newId('tenant'), name: 'after' })
        .execute();
    }
  });

  test('is one consistent moment while others write', async () => {
    await using store = await onServer();
    await fill(store);
    const path = join(folder, 'moment.backup');
    const [report] = await Promise.all([
      writeBackup(store, path),
      store.transaction(async (trx) => {
        await sql`delete from directory_user`.execute(trx);
        await sql`delete from job`.execute(trx);
      }),
    ]);
    expect([[0, 0].join(), [3000, 1].join()]).toContain(
      [report.rows['directory_user'], report.rows['job']].join(),
    );
  });

  test('cut short or changed anywhere it is refused, and the store stays empty and usable', async () => {
    await using source = await onServer();
    await fill(source);
    const path = join(folder, 'whole.backup');
    await writeBackup(source, path);
    const whole = await readFile(path);
    const plain = gunzipSync(whole);
    const changed = (at: number) => {
      const copy = Buffer.from(plain);
      copy.writeUInt8((copy[at] ?? 0) ^ 1, at);
      return gzipSync(copy);
    };
    const damages: Record<string, Buffer> = {
      empty: Buffer.alloc(0),
      'no gzip': Buffer.from('something else'),
      'cut in the middle': whole.subarray(0, whole.length >> 1),
      'cut by a byte': whole.subarray(0, -1),
      'frames cut': gzipSync(plain.subarray(0, -100)),
      'last frame missing': gzipSync(plain.subarray(0, -69)),
      'more at its end': gzipSync(Buffer.concat([plain, Buffer.from('x')])),
      'a user changed': changed(plain.indexOf('user 1234')),
      'a count changed': changed(plain.indexOf('"rows":3000') + 8),
      'the header changed': changed(plain.indexOf('createdAt') + 14),
    };
    await using target = await onServer();
    for (const [name, bytes] of Object.entries(damages)) {
      const file = join(folder, 'damaged.backup');
      await writeFile(file, bytes);
      await expect(restoreBackup(target, file), name).rejects.toMatchObject({ code: 'InvalidRecord' });
      const { rows } = await sql<{ count: number }>`select count(*) as count from tenant`.execute(target.db);
      expect(rows, name).toEqual([{ count: 0 }]);
    }
    await restoreBackup(target, path);
    await expect(restoreBackup(target, path)).rejects.toMatchObject({ code: 'Conflict' });
  });

  test('cut short is refused too when all of it came before the store was ready', async () => {
    await using source = await onServer();
    const path = join(folder, 'small.backup');
    await writeBackup(source, path);
    const whole = await readFile(path);
    await using target = await onServer();
    const late = Object.create(target, {
      transaction: {
        value: async (work: Parameters<Store['transaction']>[0]) => {
          await setTimeout(200);
          return target.transaction(work);
        },
      },
    }) as Store;
    await expect(restoreBackup(late, Readable.from([whole.subarray(0, -1)]))).rejects.toMatchObject({
      code: 'InvalidRecord',
    });
    await restoreBackup(late, Readable.from([whole]));
  });

  test('of another state of the tables is refused by the names of the migrations', async () => {
    await using earlier = await onServer();
    await earlier.session.execute('delete from lockstep_migration where number > 20');
    await using now = await onServer();
    const path = join(folder, 'earlier.backup');
    for (const [from, into, message, remedy] of [
      [earlier, now, /0020_.*here it is 00(?!20)/, 'then start this one'],
      [now, earlier, /00(?!20).*here it is 0020_/, 'or a newer one'],
    ] as const) {
      await writeBackup(from, path);
      await expect(restoreBackup(into, path)).rejects.toMatchObject({
        code: 'InvalidRecord',
        message: expect.stringMatching(message),
        remedy: expect.stringContaining(remedy),
      });
    }
  });

  test('that fails leaves no file', async () => {
    const store = await onServer();
    await store.close();
    await expect(writeBackup(store, join(folder, 'never.backup'))).rejects.toThrow();
    expect((await readdir(folder)).filter((name) => name.startsWith('never'))).toEqual([]);
  });
});
