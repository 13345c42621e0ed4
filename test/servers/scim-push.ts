import { sql } from 'kysely';
import type { Push } from '../../server/src/app/scim/push.ts';
import { getScimProfile, type ScimProfileName } from '../../server/src/scim/profile.ts';
import { createSchemaRegistry } from '../../server/src/scim/schema/registry.ts';
import type { IdleApplication } from './application.ts';

/** Somebody who pushes into connection `hr` by calling the use cases. */
export async function makePush(app: IdleApplication, profile: ScimProfileName = 'strict'): Promise<Push> {
  await sql`
    insert into connection (id, tenant_id, name, type, settings)
    values ('idp_1', ${app.credentials.tenantId}, 'hr', 'scim_server', '{}')`.execute(app.store.db);
  const { rows } = await sql<{ serial: number }>`select serial from connection`.execute(app.store.db);
  const connection = {
    id: 'idp_1',
    serial: rows[0]?.serial ?? 0,
    name: 'hr',
    tenantId: app.credentials.tenantId,
    profile: getScimProfile(profile),
    requestsPerSecond: 1,
    tokenId: '',
    expiresSoon: undefined,
  };
  const baseUrl = 'https://lockstep.example/scim/v2/hr';
  return { app, connection, registry: createSchemaRegistry(), baseUrl };
}
