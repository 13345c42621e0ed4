import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
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
