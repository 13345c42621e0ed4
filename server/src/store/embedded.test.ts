import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { openEmbeddedStore } from './embedded.ts';

test('an engine that cannot write its log ends, says why to everybody, and can be opened again', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const data = join(folder, 'data');
  const store = await openEmbeddedStore(data);
  await sql`create table kept as select 1 as number`.execute(store.db);
  // The next segment cannot be made, as on a disk that is full.
  const segment = join(data, 'pgdata/pg_wal/000000010000000000000002');
  mkdirSync(segment);
  await sql`select pg_switch_wal()`.execute(store.db).catch(() => undefined);
  const unwritten = store.transaction(async (trx) => sql`insert into kept values (2)`.execute(trx));
  const refusal = { code: 'StoreUnavailable', message: expect.stringContaining('000000010000000000000002') };
  await expect(unwritten).rejects.toThrow();
  await expect(store.session.execute('select 1')).rejects.toMatchObject(refusal);
  await expect(store.failed).resolves.toMatchObject(refusal);
  await store.close();
  rmSync(segment, { recursive: true });
  await using again = await openEmbeddedStore(data);
  expect((await sql`select * from kept`.execute(again.db)).rows).toEqual([{ number: 1 }]);
});

test('an engine whose directory was removed ends, and says which file it misses', async () => {
  const data = mkdtempSync(join(tmpdir(), 'lockstep-embedded-'));
  const store = await openEmbeddedStore(data);
  rmSync(data, { recursive: true });
  const refusal = { code: 'StoreUnavailable', message: expect.stringContaining('could not open file') };
  await expect(sql`select * from tenant`.execute(store.db)).rejects.toThrow();
  await expect(sql`select * from job`.execute(store.db)).rejects.toMatchObject(refusal);
  await expect(store.failed).resolves.toMatchObject(refusal);
  await store.close();
});

test('in a directory that others may enter they cannot enter the data, new or as an earlier version left it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'lockstep-embedded-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o755);
  const modeOf = (): number => statSync(join(folder, 'pgdata')).mode & 0o777;
  await (await openEmbeddedStore(folder)).close();
  expect(modeOf()).toBe(0o700);
  chmodSync(join(folder, 'pgdata'), 0o755);
  await (await openEmbeddedStore(folder)).close();
  expect(modeOf()).toBe(0o700);
});
