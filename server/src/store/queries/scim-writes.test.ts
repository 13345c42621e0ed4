import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { findScimRecord } from './scim-list.ts';
import { writeScimRecords, type ScimWrite } from './scim-writes.ts';

const at = new Date('2026-01-01T00:00:00Z');

function write(id: string, expectedRevision: number, title: string, added: string[] = []): ScimWrite {
  const attributes = { userName: id, title };
  const kind = id.startsWith('g') ? 'group' : 'user';
  const content = { attributes, folded: attributes };
  return { kind, id, expectedRevision, content, members: { added, removed: [] }, at };
}

describeOnSharedStores('records that are written together', (makeStore) => {
  test('are left alone with their members where another process was faster', async () => {
    const { db } = await makeStore();
    await sql`insert into tenant (id, name) values ('tenant_1', 'one') on conflict do nothing`.execute(db);
    const { rows } = await sql<{ serial: number }>`
      insert into connection (id, tenant_id, name, type, settings) values ('idp_1', 'tenant_1', 'hr', 'scim_server', '{}')
      returning serial`.execute(db);
    const serial = rows[0]?.serial ?? 0;
    const find = async (id: string) => {
      const kind = id.startsWith('g') ? ('group' as const) : ('user' as const);
      const found = await findScimRecord(db, { connectionSerial: serial, kind, id }, true);
      const { revision, attributes, related } = found ?? {};
      return [revision, attributes?.['title'], related?.map((member) => member.id) ?? []];
    };
    await writeScimRecords(db, serial, [write('u1', 0, 'new'), write('u2', 0, 'new'), write('g1', 0, 'new')]);
    const { written } = await writeScimRecords(db, serial, [
      write('u1', 1, 'faster'),
      write('g1', 1, 'faster'),
    ]);
    expect(Object.fromEntries(written.map(({ id, revision }) => [id, revision]))).toEqual({ g1: 2, u1: 2 });
    const late = await writeScimRecords(db, serial, [
      write('u1', 1, 'late'),
      write('u2', 1, 'in time'),
      write('g1', 1, 'late', ['u1']),
    ]);
    expect(late.written.map(({ id }) => id)).toEqual(['u2']);
    expect([await find('u1'), await find('u2'), await find('g1')]).toEqual([
      [2, 'faster', []],
      [2, 'in time', []],
      [2, 'faster', []],
    ]);
  });
});
