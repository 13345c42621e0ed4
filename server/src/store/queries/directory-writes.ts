import { sql, type Kysely } from 'kysely';
import type { JsonAttributeMap } from '@lockstep/contract/attribute.ts';
import type { Kind, ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { Database } from '../schema.ts';
import { forgetObjects } from '../sync/deleted-objects.ts';
import { directoryTables } from '../sync/staging-tables.ts';

type Executor = Kysely<Database>;

/** A revision for all that one transaction writes. */
export async function drawRevision(trx: Executor): Promise<number> {
  const { rows } = await sql<{ revision: number }>`select nextval('directory_revision') as revision`.execute(
    trx,
  );
  return Number(rows[0]?.revision);
}

/** Attributes of a kind whose values are kept as match keys. */
export async function selectMatchAttributes(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
): Promise<string[]> {
  const { rows } = await sql<{ attribute: string }>`
    select attribute from match_attribute where tenant_id = ${tenantId} and kind = ${kind} order by attribute`.execute(
    trx,
  );
  return rows.map((row) => row.attribute);
}

/**
 * Locks an object until the transaction ends.
 * @param strength `share`: it cannot be deleted meanwhile; `update`: nobody else writes it.
 * @returns whether it exists
 */
export async function lockObject(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
  id: string,
  strength: 'share' | 'update',
): Promise<boolean> {
  const lock = sql.raw(strength === 'share' ? 'for key share' : 'for update');
  const { rows } = await sql`
    select id from ${directoryTables[kind].table} where tenant_id = ${tenantId} and id = ${id} ${lock}`.execute(
    trx,
  );
  return rows.length > 0;
}

/** The place, name and values of an object that is written. */
export interface ObjectWrite {
  readonly id: string;
  readonly parentId: string | null;
  readonly name: string;
  readonly nameKey: string;
  /** Only of users. */
  readonly enabled: boolean;
  readonly attributes: JsonAttributeMap;
  readonly revision: number;
}

export async function insertObject(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
  row: ObjectWrite,
): Promise<void> {
  const { table, name, key } = directoryTables[kind];
  const user = kind === 'user';
  await sql`
    insert into ${table} (id, tenant_id, parent_id, ${name}, ${key}, attributes, revision ${sql.raw(user ? ', enabled' : '')})
    values (${row.id}, ${tenantId}, ${row.parentId}, ${row.name}, ${row.nameKey}, ${JSON.stringify(row.attributes)}::jsonb,
      ${row.revision} ${user ? sql`, ${row.enabled}` : sql``})`.execute(trx);
}

export async function updateObject(trx: Executor, kind: ObjectKind, row: ObjectWrite): Promise<void> {
  const { table, name, key } = directoryTables[kind];
  await sql`
    update ${table} set parent_id = ${row.parentId}, ${name} = ${row.name}, ${key} = ${row.nameKey},
      attributes = ${JSON.stringify(row.attributes)}::jsonb, revision = ${row.revision}, updated_at = now()
      ${kind === 'user' ? sql`, enabled = ${row.enabled}` : sql``}
    where id = ${row.id}`.execute(trx);
}

/** Gives an object a new revision where what changed is no column of it, like a group's members. */
export async function touchObject(
  trx: Executor,
  kind: ObjectKind,
  id: string,
  revision: number,
): Promise<void> {
  await sql`
    update ${directoryTables[kind].table} set revision = ${revision}, updated_at = now() where id = ${id}`.execute(
    trx,
  );
}

/** Replaces the match values of an object, attribute by attribute. */
export async function replaceMatchKeys(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
  objectId: string,
  values: Readonly<Record<string, readonly string[]>>,
): Promise<void> {
  const attributes = Object.keys(values);
  if (attributes.length === 0) return;
  const pairs = attributes.flatMap((attribute) =>
    (values[attribute] ?? []).map((value) => ({ attribute, value })),
  );
  await sql`delete from match_key where object_id = ${objectId} and attribute = any(${attributes}::text[])`.execute(
    trx,
  );
  await sql`
    insert into match_key (tenant_id, kind, attribute, value, object_id)
    select ${tenantId}, ${kind}, p.attribute, p.value, ${objectId}
    from unnest(${pairs.map((pair) => pair.attribute)}::text[], ${pairs.map((pair) => pair.value)}::text[]) as p (attribute, value)
    on conflict do nothing`.execute(trx);
}

/** Replaces the further organizational units of a user. */
export async function replaceFurtherUnits(
  trx: Executor,
  userId: string,
  unitIds: readonly string[],
): Promise<void> {
  await sql`
    delete from user_organizational_unit
    where user_id = ${userId} and not organizational_unit_id = any(${[...unitIds]}::text[])`.execute(trx);
  await sql`
    insert into user_organizational_unit (user_id, organizational_unit_id)
    select ${userId}, unnest(${[...unitIds]}::text[]) on conflict do nothing`.execute(trx);
}

/** What happened to one object, as the log of the directory keeps it. */
export interface LogEntry {
  readonly kind: Kind;
  readonly verb: Verb;
  readonly objectId: string;
  readonly memberId?: string;
}

export async function appendLog(
  trx: Executor,
  tenantId: string,
  entries: readonly LogEntry[],
): Promise<void> {
  if (entries.length === 0) return;
  const column = (of: (entry: LogEntry) => string | undefined): (string | null)[] =>
    entries.map((entry) => of(entry) ?? null);
  await sql`
    insert into directory_log (tenant_id, kind, verb, object_id, member_id)
    select ${tenantId}, e.kind, e.verb, e.object_id, e.member_id
    from unnest(${column((entry) => entry.kind)}::text[], ${column((entry) => entry.verb)}::text[],
      ${column((entry) => entry.objectId)}::text[], ${column((entry) => entry.memberId)}::text[])
      with ordinality as e (kind, verb, object_id, member_id, place) order by e.place`.execute(trx);
}

/** Deletes objects of one kind with all that hangs on them. */
export async function deleteObjects(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
  ids: readonly string[],
): Promise<void> {
  if (ids.length === 0) return;
  const gone = sql`select unnest(${[...ids]}::text[]) collate "C"`;
  await forgetObjects(trx, kind, gone, { tenantId, jobSerial: null });
  await sql`delete from ${directoryTables[kind].table} where id in (${gone})`.execute(trx);
  await appendLog(
    trx,
    tenantId,
    ids.map((objectId) => ({ kind, verb: 'delete', objectId })),
  );
}

/** Those of the ids that are objects of the kind, in the order of ids, locked until the transaction ends. */
export async function lockObjects(
  trx: Executor,
  tenantId: string,
  kind: ObjectKind,
  ids: readonly string[],
  strength: 'share' | 'update',
): Promise<string[]> {
  const lock = sql.raw(strength === 'share' ? 'for key share' : 'for update');
  const { rows } = await sql<{ id: string }>`
    select id from ${directoryTables[kind].table}
    where tenant_id = ${tenantId} and id = any(${[...ids]}::text[]) order by id ${lock}`.execute(trx);
  return rows.map((row) => row.id);
}

/** Whether an organizational unit holds units, users by their primary unit, or groups. */
export async function holdsObjects(trx: Executor, unitId: string): Promise<boolean> {
  const { rows } = await sql<{ occupied: boolean }>`
    select exists (select from organizational_unit where parent_id = ${unitId})
      or exists (select from directory_user where parent_id = ${unitId})
      or exists (select from directory_group where parent_id = ${unitId}) as occupied`.execute(trx);
  return rows[0]?.occupied === true;
}

/** The units below a unit (null: the root), deepest first and without itself, locked until the transaction ends. */
export async function lockUnitsBelow(
  trx: Executor,
  tenantId: string,
  unitId: string | null,
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    with recursive below (id, level) as (
      select id, 1 from organizational_unit
      where tenant_id = ${tenantId} and coalesce(parent_id, '') = ${unitId ?? ''}
      union all
      select unit.id, below.level + 1
      from below join organizational_unit as unit on unit.parent_id = below.id
    ) cycle id set looped using path
    select unit.id from below join organizational_unit as unit on unit.id = below.id
    where not below.looped order by below.level desc, unit.id for update of unit`.execute(trx);
  return rows.map((row) => row.id);
}

/** Users (by their primary unit) or groups right in any of the units. */
export async function selectObjectsIn(
  trx: Executor,
  kind: 'user' | 'group',
  unitIds: readonly string[],
): Promise<string[]> {
  const { rows } = await sql<{ id: string }>`
    select id from ${directoryTables[kind].table} where parent_id = any(${[...unitIds]}::text[])
    order by id for update`.execute(trx);
  return rows.map((row) => row.id);
}

/** Whether a unit is another one or lies below it. */
export async function liesWithin(trx: Executor, unitId: string, aboveId: string): Promise<boolean> {
  const { rows } = await sql<{ found: boolean }>`
    with recursive above (id) as (
      select ${unitId}::text collate "C"
      union
      select unit.parent_id from above join organizational_unit as unit on unit.id = above.id
    )
    select exists (select from above where id = ${aboveId}) as found`.execute(trx);
  return rows[0]?.found === true;
}

/** One writer at a time moves units of a tenant: two moves that are fine alone can make a cycle together. */
export async function lockUnitPlaces(trx: Executor, tenantId: string): Promise<void> {
  await sql`select pg_advisory_xact_lock(hashtextextended(${`unit places of ${tenantId}`}, 0))`.execute(trx);
}
