import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../../test/servers/shared-store.ts';
import { parseFilter } from '../../scim/filter/parse.ts';
import { resolveFilter } from '../../scim/filter/resolve.ts';
import { getScimProfile } from '../../scim/profile.ts';
import { createSchemaRegistry, getResourceModel } from '../../scim/schema/registry.ts';
import { compileScimFilter } from './scim-filter.ts';
import { isRecord } from './scim-record.ts';

const registry = createSchemaRegistry();
const expected = [
  ['User', 'userName eq "User7"', 'replica_record_by_user_name'],
  ['User', 'active ne true and userName eq "user7"', 'replica_record_by_user_name'],
  ['User', 'externalId eq "e7"', 'replica_record_by_external_id'],
  ['User', 'id eq "r7"', 'replica_record_pkey'],
  ['Group', 'displayName eq "GROUP 7"', 'replica_record_by_display_name'],
  ['Group', 'id eq "r7" and members eq "r8"', 'Index Scan using replica_member'],
] as const;

describeOnSharedStores('filters that name a resource', (makeStore) => {
  test('find their index', async () => {
    const { db } = await makeStore();
    await sql`insert into tenant (id, name) values ('idaas_1', 'one')`.execute(db);
    await sql`
      insert into connection (id, tenant_id, name, type, settings)
      values ('idp_1', 'idaas_1', 'hr', 'scim_server', '{}')`.execute(db);
    await sql`insert into replica (connection_serial) select serial from connection`.execute(db);
    await sql`
      insert into replica_record (connection_serial, kind, external_id, attributes, folded, sequence)
      select serial, kind, 'r' || n, '{}', jsonb_build_object('userName', 'user' || n, 'externalId', 'e' || n, 'displayName', 'group ' || n), 1
      from connection, generate_series(1, 2000) as n, (values ('user'), ('group')) as kinds (kind)`.execute(
      db,
    );
    await sql`
      insert into replica_member (connection_serial, group_id, member_id, sequence)
      select serial, 'r' || n % 20, 'r' || n, 1 from connection, generate_series(1, 2000) as n`.execute(db);
    await sql`analyze replica_record, replica_member`.execute(db);
    const { rows } = await sql<{ serial: number }>`select serial from connection`.execute(db);
    const connectionSerial = rows[0]?.serial ?? 0;
    for (const [type, text, index] of expected) {
      const kind = type === 'User' ? 'user' : 'group';
      const filter = resolveFilter(parseFilter(text), getResourceModel(registry, type), {
        profile: getScimProfile('strict'),
      });
      const condition = compileScimFilter(filter, { connectionSerial, kind, baseUrl: '' });
      const plan = await sql<Record<string, string>>`
        explain select r.external_id from replica_record r
        where ${isRecord(connectionSerial, kind)} and ${condition}`.execute(db);
      const told = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
      expect(told, text).toContain(index);
      expect(told, text).not.toContain('Seq Scan on replica_record');
    }
  });
});
