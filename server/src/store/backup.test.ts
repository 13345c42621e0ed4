import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';
import { restoreBackup, writeBackup } from './backup.ts';
import type { Store } from './store.ts';

async function fill(store: Store): Promise<void> {
  await sql`insert into tenant (id, name) values ('t1', 'default')`.execute(store.db);
  await sql`insert into account (id, tenant_id, name, role) values ('a1', 't1', 'administrator', 'administrator')`.execute(
    store.db,
  );
  await sql`insert into api_token (id, tenant_id, account_id, token_hash) values ('k1', 't1', 'a1', '\\x00ff5c')`.execute(
    store.db,
  );
  await sql`insert into organizational_unit (id, tenant_id, name, name_key, attributes, revision)
    select 'ou_' || n, 't1', 'Ünit "' || n || E'"\n', 'unit ' || n, '{"description": ["a\\u2028b"]}', n
    from generate_series(1, 600) n`.execute(store.db);
  await sql`insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through)
    values ('j1', 't1', 's1', 'c1', 'in', 'ingress', 'apply', 'running', 'cli'),
           ('j2', 't1', 's1', 'c1', 'in', 'ingress', 'apply', 'success', 'cli')`.execute(store.db);
  await sql`select nextval('directory_revision') from generate_series(1, 41)`.execute(store.db);
}

async function backupOf(store: Store): Promise<string[]> {
  const lines: string[] = [];
  await writeBackup(store, new Date('2026-01-02T03:04:05Z'), async (line) => void lines.push(line));
  return lines;
}

async function* from(lines: readonly string[]): AsyncGenerator<string> {
  yield* lines;
}

const isOfUnendedJob = (line: string) => line.includes('"id\\":\\"j1');

const damages: Readonly<Record<string, (lines: string[]) => string[]>> = {
  'cut off': (lines) => lines.slice(0, -1),
  'with a row missing': (lines) => lines.filter((line) => !line.includes('ou_17\\"')),
  'with a broken line': (lines) => lines.map((line, index) => (index === 50 ? line.slice(0, 9) : line)),
  'of something else': (lines) => ['{"hello": "world"}', ...lines.slice(1)],
};

describeOnBothStores('backup', (makeStore) => {
  test('a damaged backup restores nothing; a whole one gives the same backup again', async () => {
    const source = await makeStore();
    await fill(source);
    const lines = await backupOf(source);
    expect(lines.length).toBeGreaterThan(600);
    await expect(restoreBackup(source, from(lines))).rejects.toMatchObject({ code: 'Conflict' });

    const target = await makeStore();
    for (const [name, damage] of Object.entries(damages)) {
      await expect(restoreBackup(target, from(damage(lines))), name).rejects.toMatchObject({
        code: 'InvalidRecord',
      });
      const { rows } = await sql`select 1 from organizational_unit`.execute(target.db);
      expect(rows, name).toEqual([]);
    }

    await restoreBackup(target, from(lines));
    const jobs = await sql<{ id: string; status: string }>`select id, status from job order by id`.execute(
      target.db,
    );
    expect(jobs.rows).toEqual([
      { id: 'j1', status: 'cancelled' },
      { id: 'j2', status: 'success' },
    ]);
    const again = await backupOf(target);
    expect(again.filter((line) => !isOfUnendedJob(line))).toEqual(
      lines.filter((line) => !isOfUnendedJob(line)),
    );
    const next = await sql<{ next: number }>`select nextval('directory_revision')::int as next`.execute(
      target.db,
    );
    expect(next.rows[0]?.next).toBe(42);
  });
});
