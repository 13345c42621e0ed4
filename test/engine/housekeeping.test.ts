import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { expect, onTestFinished, test } from 'vitest';
import { LockstepError } from '../../server/src/kernel/errors.ts';
import { openStore } from '../../server/src/store/open.ts';
import type { Store } from '../../server/src/store/open.ts';
import { makeWorld } from './world.ts';

async function catalogBytes({ db }: Store): Promise<number> {
  const { rows } = await sql<{ bytes: number }>`
    select sum(pg_total_relation_size(oid))::int as bytes from pg_class
    where relnamespace = 'pg_catalog'::regnamespace and relkind = 'r'`.execute(db);
  return rows[0]?.bytes ?? Number.NaN;
}

test('an embedded store does not grow by the tables of jobs that break off', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lockstep-housekeeping-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  await using store = await openStore({ data: join(folder, 'data') });
  const world = await makeWorld(store);
  const corp = await world.system('corp');
  corp.tree.add('/uid=ann');
  corp.readFailure = new LockstepError('ConnectionFailed', 'the server has gone');
  await world.ingress('corp');
  const bytesAfterRuns = async (): Promise<number> => {
    for (let run = 0; run < 20; run += 1) await world.run('corp-in');
    return catalogBytes(store);
  };
  const before = await bytesAfterRuns();
  // Each run would leave 120 kB, for ever; where they are tidied up it comes to rest.
  expect((await bytesAfterRuns()) - before).toBeLessThan(1_000_000);
});
