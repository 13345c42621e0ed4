import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;
type JsonObject = Readonly<Record<string, unknown>>;

export interface ApplicationRow {
  readonly id: string;
  readonly name: string;
  readonly description: string;
  readonly enabled: boolean;
  /** What is shown and the engine does not read. */
  readonly profile: JsonObject;
  /** How it is provisioned; `{}` as long as nobody has said. */
  readonly provisioning: JsonObject;
  readonly connectionId: string | null;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** Connections that were made elsewhere are applications too: they have the id of their connection. */
function allApplications(tenantId: string, types: readonly string[]): RawBuilder<unknown> {
  return sql`(
    select id, name, description, enabled, profile, provisioning, connection_id as "connectionId",
      created_at as "createdAt", updated_at as "updatedAt"
    from application where tenant_id = ${tenantId}
    union all
    select c.id, coalesce(c.display_name, c.name), c.description, true, '{}', '{}', c.id, c.created_at, c.updated_at
    from connection c where c.tenant_id = ${tenantId} and c.type = any(${[...types]}::text[])
      and not exists (select from application a where a.connection_id = c.id)
  ) a`;
}

export interface ApplicationFilter {
  readonly ids?: readonly string[] | undefined;
  /** Beginning of the name, whatever its letter case. */
  readonly nameStartsWith?: string | undefined;
  readonly enabled?: boolean | undefined;
  /** Kinds of identity; `application` where the profile says none. */
  readonly identity?: readonly string[] | undefined;
  /** Members of the profile, each one of several texts. */
  readonly profile?: Readonly<Record<string, readonly string[]>> | undefined;
}

function condition(filter: ApplicationFilter): RawBuilder<unknown> {
  const { ids, nameStartsWith, enabled, identity, profile = {} } = filter;
  const conditions = [sql`true`];
  if (ids !== undefined) conditions.push(sql`a.id = any(${[...ids]}::text[])`);
  if (nameStartsWith !== undefined)
    conditions.push(sql`starts_with(lower(a.name), lower(${nameStartsWith}))`);
  if (enabled !== undefined) conditions.push(sql`a.enabled = ${enabled}`);
  if (identity !== undefined)
    conditions.push(
      sql`coalesce(a.profile ->> 'ApplicationIdentityType', 'application') = any(${[...identity]}::text[])`,
    );
  for (const [member, texts] of Object.entries(profile))
    conditions.push(sql`a.profile ->> ${member}::text = any(${[...texts]}::text[])`);
  return sql.join(conditions, sql` and `);
}

/** Applications of a tenant, oldest first, and how many there are. */
export async function selectApplications(
  executor: Executor,
  tenantId: string,
  types: readonly string[],
  filter: ApplicationFilter,
  page: { readonly offset: number; readonly limit: number },
): Promise<{ rows: ApplicationRow[]; total: number }> {
  const from = allApplications(tenantId, types);
  const { rows } = await sql<ApplicationRow>`
    select * from ${from} where ${condition(filter)} order by a."createdAt", a.id limit ${page.limit} offset ${page.offset}`.execute(
    executor,
  );
  const { rows: counted } = await sql<{ total: number }>`
    select count(*) as total from ${from} where ${condition(filter)}`.execute(executor);
  return { rows, total: counted[0]?.total ?? 0 };
}

export async function insertApplication(
  executor: Executor,
  tenantId: string,
  application: Pick<ApplicationRow, 'id' | 'name' | 'description' | 'profile' | 'connectionId'>,
): Promise<void> {
  await sql`
    insert into application (id, tenant_id, name, description, profile, connection_id)
    values (${application.id}, ${tenantId}, ${application.name}, ${application.description},
      ${JSON.stringify(application.profile)}::jsonb, ${application.connectionId})
    on conflict do nothing`.execute(executor);
}

export async function updateApplication(
  executor: Executor,
  id: string,
  to: Pick<ApplicationRow, 'enabled' | 'provisioning' | 'connectionId'>,
): Promise<void> {
  await sql`
    update application set enabled = ${to.enabled}, provisioning = ${JSON.stringify(to.provisioning)}::jsonb,
      connection_id = ${to.connectionId}, updated_at = now()
    where id = ${id}`.execute(executor);
}

export async function deleteApplicationRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from application where id = ${id}`.execute(executor);
}
