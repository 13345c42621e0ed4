import { sql } from 'kysely';
import type { RawBuilder, Transaction } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { RunnableJob, RunnableSync } from '../../sync/sync-store.ts';
import type { Database } from '../schema.ts';
import type { Store } from '../store.ts';
import { directoryTables } from './staging-tables.ts';

interface Batch {
  readonly trx: Transaction<Database>;
  readonly job: RunnableJob;
  readonly sync: RunnableSync;
  readonly from: number;
  readonly through: number;
  readonly revision: number;
}

/** Rows of the batch that still have to be carried out. */
function pending({ job, from, through }: Batch): RawBuilder<unknown> {
  return sql`c.job_serial = ${job.serial} and c.ordinal > ${from} and c.ordinal <= ${through} and c.result is null`;
}

async function settle(
  batch: Batch,
  condition: RawBuilder<unknown>,
  result: 'failed' | 'skipped',
  code: ErrorCode,
  message: string,
): Promise<number> {
  const { numAffectedRows } = await sql`
    update change c set result = ${result}, error_code = ${code}, error_message = ${message}
    where ${pending(batch)} and ${condition}`.execute(batch.trx);
  return Number(numAffectedRows ?? 0);
}

const writing = sql`c.verb in ('update', 'move', 'disable', 'enable', 'delete', 'bind')`;

/** Objects that moved since the plan was made fail; what hangs on an object that could not be written is skipped. */
async function checkBatch(batch: Batch): Promise<void> {
  for (const kind of objectKinds) {
    await settle(
      batch,
      sql`c.kind = ${kind} and ${writing} and not exists (
        select 1 from ${directoryTables[kind].table} d where d.id = c.object_id and d.revision = c.expected_revision)`,
      'failed',
      'RevisionMoved',
      'the object changed since the plan was made; the next run looks at it again',
    );
  }
  const parentMissing = sql`c.kind <> 'membership' and c.verb in ('create', 'move') and c.parent_id is not null
    and not exists (select 1 from organizational_unit u where u.id = c.parent_id)
    and not exists (
      select 1 from change p where p.job_serial = c.job_serial and p.ordinal > ${batch.from} and p.ordinal <= ${batch.through}
        and p.kind = 'organizationalUnit' and p.verb = 'create' and p.object_id = c.parent_id and p.result is null)`;
  const message = 'the organizational unit above it could not be created';
  while ((await settle(batch, parentMissing, 'skipped', 'DependencyFailed', message)) > 0);
  await settle(
    batch,
    sql`c.kind = 'organizationalUnit' and c.verb = 'delete' and (
      exists (select 1 from organizational_unit u where u.parent_id = c.object_id and ${notDeletedHere(batch, 'u.id')})
      or exists (select 1 from directory_user u where u.parent_id = c.object_id)
      or exists (select 1 from directory_group g where g.parent_id = c.object_id))`,
    'skipped',
    'DependencyFailed',
    'the organizational unit still holds objects that stay',
  );
}

/** After the objects of the batch are written: members whose group or object could not be are skipped. */
async function checkMemberships(batch: Batch): Promise<void> {
  await settle(
    batch,
    sql`c.kind = 'membership' and c.verb in ('addMember', 'bind') and (
      not exists (select 1 from directory_group g where g.id = c.object_id)
      or not exists (select 1 from directory_user u where u.id = c.member_id)
        and not exists (select 1 from directory_group g where g.id = c.member_id))`,
    'skipped',
    'DependencyFailed',
    'the group or the member could not be written',
  );
}

function notDeletedHere({ job, through }: Batch, id: string): RawBuilder<unknown> {
  return sql`not exists (
    select 1 from change x where x.job_serial = ${job.serial} and x.ordinal <= ${through} and x.verb = 'delete'
      and x.result is null and x.object_id = ${sql.raw(id)})`;
}

const trueAttributes = (column: string): RawBuilder<unknown> =>
  sql`(${sql.raw(column)} - '$parent'::text - '$name'::text - '$enabled'::text)`;

async function createObjects(batch: Batch, kind: ObjectKind): Promise<void> {
  const { trx, sync, revision } = batch;
  const { table, name, key } = directoryTables[kind];
  const enabled = kind === 'user';
  await sql`
    insert into ${table} (id, tenant_id, parent_id, ${name}, ${key}, attributes, revision ${sql.raw(enabled ? ', enabled' : '')})
    select c.object_id, ${sync.tenantId}, c.parent_id, c.after -> '$name' ->> 0, c.keys -> '$name' ->> 0,
      ${trueAttributes('c.after')}, ${revision} ${enabled ? sql`, coalesce((c.after -> '$enabled' ->> 0)::boolean, true)` : sql``}
    from change c where ${pending(batch)} and c.kind = ${kind} and c.verb = 'create' order by c.ordinal`.execute(
    trx,
  );
}

/** What another sync gave stays known from the moment on that a second one writes over it. */
async function freezeContributions(batch: Batch, kind: ObjectKind): Promise<void> {
  const { trx, sync } = batch;
  await sql`
    update link l set contribution = d.attributes || jsonb_build_object('$parent', jsonb_build_array(coalesce(d.parent_id, '')))
    from change c join ${directoryTables[kind].table} d on d.id = c.object_id, sync s
    where ${pending(batch)} and c.kind = ${kind} and c.verb <> 'create' and c.contribution is not null
      and l.object_id = c.object_id and l.sync_serial <> ${sync.serial} and l.contribution is null
      and s.serial = l.sync_serial and s.direction = 'ingress'`.execute(trx);
}

async function updateObjects(batch: Batch, kind: ObjectKind): Promise<void> {
  const { trx, revision } = batch;
  const { table, name, key } = directoryTables[kind];
  const enabled =
    kind === 'user' ? sql`, enabled = coalesce((c.after -> '$enabled' ->> 0)::boolean, d.enabled)` : sql``;
  await sql`
    update ${table} d set
      parent_id = case when c.after ? '$parent' then nullif(c.after -> '$parent' ->> 0, '') else d.parent_id end,
      ${name} = coalesce(c.after -> '$name' ->> 0, d.${name}),
      ${key} = coalesce(c.keys -> '$name' ->> 0, d.${key}),
      attributes = coalesce((
        select jsonb_object_agg(a.key, a.value) from jsonb_each(d.attributes || ${trueAttributes('c.after')}) a
        where a.value <> '[]'::jsonb), '{}'::jsonb),
      revision = ${revision}, updated_at = now() ${enabled}
    from change c
    where ${pending(batch)} and c.kind = ${kind} and c.verb in ('update', 'move', 'disable', 'enable') and d.id = c.object_id`.execute(
    trx,
  );
}

async function deleteObjects(batch: Batch, kind: ObjectKind): Promise<void> {
  const { trx, job, revision, sync } = batch;
  const gone = sql`select c.object_id from change c where ${pending(batch)} and c.kind = ${kind} and c.verb = 'delete'`;
  if (kind !== 'organizationalUnit') {
    await sql`
      with removed as (
        delete from membership where group_id in (${gone}) or member_id in (${gone}) returning group_id, member_id
      )
      insert into directory_log (tenant_id, kind, verb, object_id, member_id, job_serial)
      select ${sync.tenantId}, 'membership', 'removeMember', group_id, member_id, ${job.serial} from removed`.execute(
      trx,
    );
    await sql`
      delete from membership_link x using sync s
      where s.serial = x.sync_serial and s.direction = 'ingress' and (x.group_id in (${gone}) or x.member_id in (${gone}))`.execute(
      trx,
    );
  }
  await sql`delete from ${directoryTables[kind].table} where id in (${gone}) and revision <= ${revision}`.execute(
    trx,
  );
  await sql`delete from match_key where object_id in (${gone})`.execute(trx);
  await sql`
    delete from link l using sync s
    where s.serial = l.sync_serial and s.direction = 'ingress' and l.object_id in (${gone})`.execute(trx);
}

/** Match values follow the attributes that they were made from. */
async function writeMatchKeys(batch: Batch): Promise<void> {
  const { trx, sync } = batch;
  const changed = sql`change c where ${pending(batch)} and c.kind <> 'membership' and c.keys is not null`;
  await sql`
    delete from match_key m using (select c.object_id, c.verb, k.key from change c, jsonb_object_keys(c.keys) as k (key)
      where ${pending(batch)} and c.kind <> 'membership' and c.verb not in ('create', 'bind') and c.keys is not null and k.key <> '$name') x
    where m.object_id = x.object_id and m.attribute = x.key`.execute(trx);
  await sql`
    insert into match_key (tenant_id, kind, attribute, value, object_id)
    select ${sync.tenantId}, c.kind, k.key, v.value, c.object_id
    from (select c.* from ${changed}) c, jsonb_each(c.keys) as k (key, value), jsonb_array_elements_text(k.value) as v (value)
    where k.key <> '$name'
    on conflict do nothing`.execute(trx);
}

async function writeLinks(batch: Batch): Promise<void> {
  const { trx, sync, revision } = batch;
  const tied = sql`${pending(batch)} and c.kind <> 'membership' and c.verb <> 'delete' and not c.releases_link and c.external_id is not null`;
  await sql`
    delete from link l using change c
    where ${tied} and c.verb in ('bind', 'create') and l.sync_serial = ${sync.serial} and l.object_id = c.object_id and l.external_id <> c.external_id`.execute(
    trx,
  );
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, reference, alias, location, scope, fingerprint, object_revision, contribution)
    select ${sync.serial}, c.kind, c.external_id, c.object_id, c.reference, c.alias, c.location, coalesce(c.scope, 0), c.fingerprint,
      case when c.verb = 'bind' then c.expected_revision else ${revision} end, c.contribution
    from change c where ${tied} order by c.ordinal
    on conflict (sync_serial, kind, external_id) do update set object_id = excluded.object_id, reference = excluded.reference,
      alias = excluded.alias, location = excluded.location, scope = excluded.scope, fingerprint = excluded.fingerprint,
      object_revision = excluded.object_revision, state = 'live', contribution = coalesce(excluded.contribution, link.contribution)`.execute(
    trx,
  );
  await sql`
    update link l set state = 'missing', fingerprint = null, object_revision = ${revision} from change c
    where ${pending(batch)} and c.releases_link and l.sync_serial = ${sync.serial} and l.kind = c.kind and l.external_id = c.external_id`.execute(
    trx,
  );
}

async function writeMemberships(batch: Batch): Promise<void> {
  const { trx, sync, revision } = batch;
  await sql`
    insert into membership (group_id, member_id, tenant_id, member_kind, revision)
    select distinct c.object_id, c.member_id, ${sync.tenantId}, c.member_kind, ${revision}::bigint
    from change c where ${pending(batch)} and c.kind = 'membership' and c.verb = 'addMember'
    on conflict do nothing`.execute(trx);
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select ${sync.serial}, c.object_id, c.external_id, min(c.member_id)
    from change c where ${pending(batch)} and c.kind = 'membership' and c.verb in ('addMember', 'bind')
    group by c.object_id, c.external_id
    on conflict (sync_serial, group_id, reference) do update set member_id = excluded.member_id`.execute(trx);
  await sql`
    delete from membership m using change c
    where ${pending(batch)} and c.kind = 'membership' and c.verb = 'removeMember' and m.group_id = c.object_id and m.member_id = c.member_id`.execute(
    trx,
  );
  await sql`
    delete from membership_link x using change c
    where ${pending(batch)} and c.kind = 'membership' and c.verb = 'removeMember' and x.sync_serial = ${sync.serial}
      and x.group_id = c.object_id and x.member_id = c.member_id`.execute(trx);
}

async function writeLog(batch: Batch): Promise<void> {
  const { trx, job, sync } = batch;
  await sql`
    insert into directory_log (tenant_id, kind, verb, object_id, member_id, job_serial)
    select ${sync.tenantId}, c.kind, c.verb, c.object_id, c.member_id, ${job.serial}
    from change c where ${pending(batch)} and c.verb <> 'bind' order by c.ordinal`.execute(trx);
}

/** Kinds and verbs of the batch: statements that would find nothing are not sent. */
async function contents(batch: Batch): Promise<Set<string>> {
  const { rows } = await sql<{ kind: string; verb: string }>`
    select distinct c.kind, c.verb from change c where ${pending(batch)}`.execute(batch.trx);
  return new Set(rows.flatMap(({ kind, verb }) => [kind, `${kind} ${verb}`]));
}

async function applyBatch(batch: Batch): Promise<void> {
  await checkBatch(batch);
  const found = await contents(batch);
  const has = (kind: string, ...verbs: string[]): boolean =>
    verbs.some((verb) => found.has(`${kind} ${verb}`));
  for (const kind of objectKinds) {
    if (!found.has(kind)) continue;
    if (has(kind, 'bind', 'update', 'move', 'enable', 'disable')) await freezeContributions(batch, kind);
    if (has(kind, 'update', 'move', 'enable', 'disable')) await updateObjects(batch, kind);
    if (has(kind, 'create')) await createObjects(batch, kind);
  }
  const objects = objectKinds.some((kind) => found.has(kind));
  if (objects) await writeMatchKeys(batch);
  if (objects) await writeLinks(batch);
  if (found.has('membership')) {
    await checkMemberships(batch);
    await writeMemberships(batch);
  }
  for (const kind of ['user', 'group', 'organizationalUnit'] as const)
    if (has(kind, 'delete')) await deleteObjects(batch, kind);
  await writeLog(batch);
}

function uniqueViolation(error: unknown): ErrorCode | null {
  if (typeof error !== 'object' || error === null || !('code' in error)) return null;
  if (error.code !== '23505') return null;
  const text =
    'constraint' in error ? String(error.constraint) : String((error as { message?: unknown }).message);
  return text.includes('username') ? 'UsernameTaken' : 'NameTaken';
}

/** Whether an error is the fault of a row: a constraint or a value (SQLSTATE classes 22 and 23). */
function isRowError(error: unknown): boolean {
  const code = typeof error === 'object' && error !== null && 'code' in error ? String(error.code) : '';
  return code.startsWith('22') || code.startsWith('23');
}

async function reach(trx: Transaction<Database>, job: RunnableJob, through: number): Promise<void> {
  await sql`update job set applied_ordinal = ${through} where serial = ${job.serial}`.execute(trx);
}

/**
 * Applies the changes after `from`, at most `size` of them, and commits them with their outcomes in one transaction.
 * When a row breaks the batch the batch is halved until that row stands alone and fails alone.
 * @returns the ordinal reached
 */
export async function applyToDirectory(
  store: Store,
  job: RunnableJob,
  sync: RunnableSync,
  from: number,
  size: number,
): Promise<number> {
  const through = Math.min(from + size, job.lastOrdinal);
  try {
    await store.transaction(async (trx) => {
      const { rows } = await sql<{
        revision: number;
      }>`select nextval('directory_revision') as revision`.execute(trx);
      await applyBatch({ trx, job, sync, from, through, revision: Number(rows[0]?.revision) });
      await reach(trx, job, through);
    });
    return through;
  } catch (error) {
    if (!isRowError(error)) throw error;
    if (through - from > 1)
      return await applyToDirectory(store, job, sync, from, Math.ceil((through - from) / 2));
    await failRow(store, job, through, error);
    return through;
  }
}

async function failRow(store: Store, job: RunnableJob, ordinal: number, error: unknown): Promise<void> {
  const code = uniqueViolation(error);
  const message =
    code === null
      ? `the store refused the value: ${error instanceof Error ? error.message : String(error)}`
      : 'another object has this name already';
  await store.transaction(async (trx) => {
    await sql`
      update change set result = 'failed', error_code = ${code ?? 'InvalidRecord'}, error_message = ${message}
      where job_serial = ${job.serial} and ordinal = ${ordinal}`.execute(trx);
    await reach(trx, job, ordinal);
  });
}
