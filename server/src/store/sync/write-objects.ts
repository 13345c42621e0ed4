import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { enabledAttribute, nameAttribute, parentAttribute } from '../../sync/image.ts';
import { checkUnitDeletions } from './check-batch.ts';
import { forgetObjects } from './deleted-objects.ts';
import { pending } from './directory-batch.ts';
import type { Batch, Contents } from './directory-batch.ts';
import { unseen } from './key-lookups.ts';
import { writeReferenceLinks } from './reference-links.ts';
import { directoryTables, enabledColumn } from './staging-tables.ts';

const pseudoAttributes = [parentAttribute, nameAttribute, enabledAttribute];

const trueAttributes = (column: string): RawBuilder<unknown> =>
  sql`(${sql.raw(column)} - ${pseudoAttributes}::text[])`;

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

/**
 * What another sync gave stays known from the moment on that a second one writes over it. Of a sync that tells account
 * states the directory's stands for its own until it looks at the user again, which its next read of everything does:
 * the record of this one may say nothing of it.
 */
async function freezeContributions(batch: Batch, kind: ObjectKind): Promise<void> {
  const { trx, sync } = batch;
  const tells = kind === 'user' ? sql`l.sync_serial = any (${sync.accountStatesFrom}::bigint[])` : sql`false`;
  await sql`
    update link l set fingerprint = case when ${tells} then null else l.fingerprint end,
      contribution = d.attributes || jsonb_build_object('$parent', jsonb_build_array(coalesce(d.parent_id, '')))
        || case when ${tells} then jsonb_build_object('$enabled', jsonb_build_array(${enabledColumn(kind, 'd')}::text)) else '{}'::jsonb end
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
  const { trx, job, sync } = batch;
  const gone = sql`select c.object_id from change c where ${pending(batch)} and c.kind = ${kind} and c.verb = 'delete'`;
  await forgetObjects(trx, kind, gone, { tenantId: sync.tenantId, jobSerial: job.serial });
  await sql`delete from ${directoryTables[kind].table} where id in (${gone})`.execute(trx);
}

/** Match values follow the attributes that they were made from. */
async function writeMatchKeys(batch: Batch, alters: boolean): Promise<void> {
  const { trx, sync } = batch;
  const changed = sql`change c where ${pending(batch)} and c.kind <> 'membership' and c.keys is not null`;
  if (alters)
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

const altering = ['update', 'move', 'enable', 'disable'] as const;

/** An object that is bound and changed has two rows in a batch; the last one says what its link is. */
async function writeLinks(batch: Batch, contents: Contents): Promise<void> {
  const { trx, sync, revision } = batch;
  const binds = objectKinds.some((kind) => contents.has(kind, 'bind'));
  const tied = sql`${pending(batch)} and c.kind <> 'membership' and c.verb not in ('delete', 'unbind') and not c.releases_link and c.external_id is not null`;
  if (binds)
    await sql`
    with former as (
      delete from link l using change c
      where ${tied} and c.verb = 'bind' and l.sync_serial = ${sync.serial} and l.object_id = c.object_id and l.external_id <> c.external_id
      returning c.job_serial, c.ordinal, l.*
    )
    update change c set former_link = jsonb_build_object('externalId', l.external_id, 'reference', l.reference, 'alias', l.alias,
      'location', l.location, 'scope', l.scope, 'revision', l.object_revision, 'state', l.state, 'contribution', l.contribution)
    from former l where c.job_serial = l.job_serial and c.ordinal = l.ordinal`.execute(trx);
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, reference, alias, location, scope, fingerprint, object_revision, contribution)
    select ${binds ? sql`distinct on (c.kind, c.external_id)` : sql``} ${sync.serial}::bigint, c.kind, c.external_id, c.object_id, c.reference, c.alias,
      c.location, coalesce(c.scope, 0), c.fingerprint,
      case when c.verb = 'bind' then c.expected_revision else ${revision} end, c.contribution
    from change c where ${tied} ${binds ? sql`order by c.kind, c.external_id, c.ordinal desc` : sql``}
    on conflict (sync_serial, kind, external_id) do update set object_id = excluded.object_id, reference = excluded.reference,
      alias = excluded.alias, location = excluded.location, scope = excluded.scope, fingerprint = excluded.fingerprint,
      object_revision = excluded.object_revision, state = 'live', contribution = coalesce(excluded.contribution, link.contribution)`.execute(
    trx,
  );
  await writeReferenceLinks(
    trx,
    sync.serial,
    sql`select ${binds ? sql`distinct on (c.kind, c.external_id)` : sql``} c.kind, c.external_id, c.named
      from change c where ${tied} ${binds ? sql`order by c.kind, c.external_id, c.ordinal desc` : sql``}`,
    objectKinds.some((kind) => contents.has(kind, 'bind', ...altering)),
  );
  if (objectKinds.some((kind) => contents.has(kind, ...altering)))
    await sql`
    update link l set state = 'missing', fingerprint = null, object_revision = ${revision} from change c
    where ${pending(batch)} and c.releases_link and l.sync_serial = ${unseen(sync.serial)} and l.kind = c.kind and l.external_id = c.external_id`.execute(
      trx,
    );
}

/** Ties that are taken away, and nothing with them; those whose place they took are there again, unless others have them. */
async function dropLinks(batch: Batch): Promise<void> {
  const { trx, sync } = batch;
  await sql`
    delete from link l using change c
    where ${pending(batch)} and c.verb = 'unbind' and l.sync_serial = ${sync.serial} and l.kind = c.kind
      and l.external_id = c.external_id and l.object_id = c.object_id`.execute(trx);
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, reference, alias, location, scope, object_revision, state, contribution)
    select ${sync.serial}::bigint, c.kind, f."externalId", c.object_id, f.reference, f.alias, f.location, f.scope, f.revision, f.state, f.contribution
    from change c cross join lateral jsonb_to_record(c.former_link) as f ("externalId" text, reference text, alias text,
      location text, scope integer, revision bigint, state text, contribution jsonb)
    where ${pending(batch)} and c.verb = 'unbind' and c.former_link is not null
    on conflict do nothing`.execute(trx);
}

/** Carries out the changes of a batch on units, users and groups, with their links and match values; deletions come last. */
export async function writeObjects(batch: Batch, contents: Contents): Promise<void> {
  for (const kind of objectKinds) {
    if (contents.has(kind, 'bind', ...altering)) await freezeContributions(batch, kind);
    if (contents.has(kind, ...altering)) await updateObjects(batch, kind);
    if (contents.has(kind, 'create')) await createObjects(batch, kind);
  }
  if (objectKinds.some((kind) => contents.has(kind, 'create', ...altering)))
    await writeMatchKeys(
      batch,
      objectKinds.some((kind) => contents.has(kind, ...altering)),
    );
  if (objectKinds.some((kind) => contents.has(kind))) await writeLinks(batch, contents);
  if (objectKinds.some((kind) => contents.has(kind, 'unbind'))) await dropLinks(batch);
}

/** Deletes objects, users first and units last, with all that hangs on them. */
export async function deleteAll(batch: Batch, contents: Contents): Promise<void> {
  for (const kind of ['user', 'group', 'organizationalUnit'] as const) {
    if (!contents.has(kind, 'delete')) continue;
    if (kind === 'organizationalUnit') await checkUnitDeletions(batch);
    await deleteObjects(batch, kind);
  }
}
