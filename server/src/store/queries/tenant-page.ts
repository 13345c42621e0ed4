import { sql, type RawBuilder } from 'kysely';

/**
 * Rows of a tenant behind an id, where `order by tenant_id, id` finds a page. The tenant is a span of one: were it equal
 * to it, the order would be that of the primary key, and the database takes that one for cheaper and walks over the
 * objects of other tenants.
 */
export function behind(tenantId: string, after = '', row?: string): RawBuilder<unknown> {
  const [tenant, id] = ['tenant_id', 'id'].map((column) => sql.ref(row ? `${row}.${column}` : column));
  return sql`${tenant} between ${tenantId} and ${tenantId} and ${id} > ${after}`;
}
