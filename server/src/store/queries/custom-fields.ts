import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** A value that a field may have. */
export interface FieldItem {
  readonly value: string;
  readonly displayName: string;
  readonly status: 'enabled' | 'disabled';
}

export interface CustomFieldRow {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
  readonly description: string;
  readonly dataType: 'string' | 'number' | 'boolean';
  readonly displayType: 'input' | 'select' | 'checkbox';
  /** Empty: any value. */
  readonly items: readonly FieldItem[];
  readonly defaultValue: string | null;
  readonly required: boolean;
  readonly unique: boolean;
  readonly userPermission: 'hide' | 'read_only' | 'read_write';
  readonly enabled: boolean;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

async function select(executor: Executor, where: RawBuilder<unknown>): Promise<CustomFieldRow[]> {
  const { rows } = await sql<CustomFieldRow>`
    select id, name, display_name as "displayName", description, data_type as "dataType", display_type as "displayType",
      items, default_value as "defaultValue", required, is_unique as "unique", user_permission as "userPermission",
      enabled, created_at as "createdAt", updated_at as "updatedAt"
    from custom_field where ${where} order by id`.execute(executor);
  return rows;
}

export async function selectCustomFields(executor: Executor, tenantId: string): Promise<CustomFieldRow[]> {
  return select(executor, sql`tenant_id = ${tenantId}`);
}

export async function findCustomField(
  executor: Executor,
  tenantId: string,
  id: string,
): Promise<CustomFieldRow | undefined> {
  return (await select(executor, sql`tenant_id = ${tenantId} and id = ${id}`))[0];
}

export type NewCustomFieldRow = Omit<CustomFieldRow, 'enabled' | 'createdAt' | 'updatedAt'>;

/** @returns false when the tenant has a field of this name already. */
export async function insertCustomField(
  executor: Executor,
  tenantId: string,
  field: NewCustomFieldRow,
): Promise<boolean> {
  const { rows } = await sql`
    insert into custom_field (id, tenant_id, name, display_name, description, data_type, display_type, items, default_value,
      required, is_unique, user_permission)
    values (${field.id}, ${tenantId}, ${field.name}, ${field.displayName}, ${field.description}, ${field.dataType},
      ${field.displayType}, ${JSON.stringify(field.items)}::jsonb, ${field.defaultValue}, ${field.required}, ${field.unique},
      ${field.userPermission})
    on conflict (tenant_id, name) do nothing returning id`.execute(executor);
  return rows.length > 0;
}

export async function updateCustomFieldState(
  executor: Executor,
  id: string,
  enabled: boolean,
): Promise<void> {
  await sql`update custom_field set enabled = ${enabled}, updated_at = now() where id = ${id}`.execute(
    executor,
  );
}

export async function deleteCustomFieldRow(executor: Executor, id: string): Promise<void> {
  await sql`delete from custom_field where id = ${id}`.execute(executor);
}

/** One writer at a time gives values that must be unique. */
export async function lockUniqueField(executor: Executor, fieldId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`unique field ${fieldId}`}, 0))`.execute(
    executor,
  );
}

/** Whether another user than this one has any of the match values. */
export async function isValueTaken(
  executor: Executor,
  tenantId: string,
  attribute: string,
  values: readonly string[],
  userId: string | undefined,
): Promise<boolean> {
  const { rows } = await sql<{ taken: boolean }>`
    select exists (select from match_key where tenant_id = ${tenantId} and kind = 'user' and attribute = ${attribute}
      and value = any(${[...values]}::text[]) and object_id <> ${userId ?? ''}) as taken`.execute(executor);
  return rows[0]?.taken === true;
}
