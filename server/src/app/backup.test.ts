import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';
import { systemClock } from '../kernel/clock.ts';
import { insertAccount, insertTenant } from '../store/queries/installation.ts';
import type { Store } from '../store/store.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { backUpInstallation, removeUnsentBackups, restoreInstallation } from './backup.ts';

const administrator: Actor = {
  tenantId: 't1',
  tenantName: 'default',
  accountId: 'a1',
  accountName: 'administrator',
  role: 'administrator',
};

/** More than the streams on the way from the store to its reader hold. */
async function fill(store: Store): Promise<void> {
  await insertTenant(store.db, { id: administrator.tenantId, name: 'default' });
  const { tenantId, accountId: id } = administrator;
  await insertAccount(store.db, { id, tenantId, name: 'admin', role: 'administrator' });
  await sql`insert into organizational_unit (id, tenant_id, name, name_key, attributes, revision)
    select 'ou_' || n, ${tenantId}, 'u' || n, 'u' || n, jsonb_build_object('x', (
      select string_agg(md5(n || '.' || k), '') from generate_series(1, 50) k)), n
    from generate_series(1, 2000) n`.execute(store.db);
}

describeOnBothStores('backup stream', (makeStore) => {
  test('that nobody reads does not stop the store', async () => {
    const store = await makeStore();
    await fill(store);
    const stream = await backUpInstallation({ store, clock: systemClock } as Application, administrator);
    await store.transaction(async (trx) => sql`update tenant set description = 'goes on'`.execute(trx));
    stream.on('error', () => undefined).destroy();
    if (store.dataDirectory === undefined) return;
    const names = readdirSync(store.dataDirectory);
    expect(names.filter((name) => name.includes('backup'))).toEqual([]);
    // What a killed process would have left.
    writeFileSync(join(store.dataDirectory, 'unsent-backup-1.part'), 'x');
    await removeUnsentBackups(store.dataDirectory);
    expect(readdirSync(store.dataDirectory)).toEqual(names);
  });

  test('is restored whole, with unended jobs cancelled, and asks for an administrator', async () => {
    const source = await makeStore();
    const { tenantId, accountId } = administrator;
    await insertTenant(source.db, { id: tenantId, name: 'default' });
    await insertAccount(source.db, { id: accountId, tenantId, name: 'admin', role: 'administrator' });
    await sql`insert into organizational_unit (id, tenant_id, name, name_key, attributes, revision)
      select 'ou_' || n, 't1', 'u' || n, 'u' || n, '{}', n from generate_series(1, 2000) n`.execute(
      source.db,
    );
    await sql`insert into job (id, tenant_id, sync_id, connection_id, sync_name, direction, mode, status, started_through)
      values ('j1', 't1', 's1', 'c1', 'in', 'ingress', 'apply', 'running', 'cli')`.execute(source.db);
    const app = { store: source, clock: systemClock } as Application;
    await expect(backUpInstallation(app, { ...administrator, role: 'operator' })).rejects.toThrow(
      'needs the role',
    );
    const bytes = await buffer(await backUpInstallation(app, administrator));

    const location = await makeStore.location();
    await restoreInstallation(location, Readable.from([bytes]));
    const target = await makeStore.open(location);
    const jobs = await sql<{ status: string }>`select status from job`.execute(target.db);
    expect(jobs.rows).toEqual([{ status: 'cancelled' }]);
    const { rows } = await sql<{ n: number }>`select count(*)::int as n from organizational_unit`.execute(
      target.db,
    );
    expect(rows[0]?.n).toBe(2000);
  });

  test('a file that is no backup leaves nothing behind', async () => {
    const made = await makeStore.location();
    const location = 'data' in made ? { data: join(made.data, 'new') } : made;
    const restore = () => restoreInstallation(location, Readable.from([Buffer.from('not a backup')]));
    await expect(restore()).rejects.toMatchObject({ code: 'InvalidRecord' });
    if (!('data' in location)) return;
    expect(existsSync(location.data)).toBe(false);
    mkdirSync(location.data);
    writeFileSync(join(location.data, 'master.key'), 'mine');
    await expect(restore()).rejects.toMatchObject({ code: 'InvalidRecord' });
    expect(readdirSync(location.data)).toEqual(['master.key']);
  });
});
