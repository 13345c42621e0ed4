import { sql } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind, Verb } from '@lockstep/contract/vocabulary.ts';
import type { RunnableJob } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';
import { pending, settle } from './directory-batch.ts';
import type { Batch, Contents } from './directory-batch.ts';
import { directoryTables } from './staging-tables.ts';

const writingVerbs: readonly Verb[] = ['update', 'move', 'disable', 'enable', 'delete', 'bind'];
const writing = sql`c.verb in ('update', 'move', 'disable', 'enable', 'delete', 'bind')`;

/** What is compared now must not be written by somebody else before this batch has written it. */
async function lockObjects(batch: Batch, kind: ObjectKind): Promise<void> {
  await sql`
    select count(*) from (
      select 1 from ${directoryTables[kind].table} d
      where d.id in (select c.object_id from change c where ${pending(batch)} and c.kind = ${kind} and ${writing})
      order by d.id for no key update
    ) locked`.execute(batch.trx);
}

/** Objects that moved since the plan was made fail; what hangs on an object that could not be written is skipped. */
export async function checkBatch(batch: Batch, contents: Contents): Promise<void> {
  // Undo: this very plan may have written what it binds again, and a bind changes nothing of it.
  const mayMove = batch.job.undoesJobId === null ? sql`false` : sql`c.verb = 'bind'`;
  for (const kind of objectKinds) {
    if (!contents.has(kind, ...writingVerbs)) continue;
    await lockObjects(batch, kind);
    await settle(
      batch,
      sql`c.kind = ${kind} and ${writing} and not exists (
        select 1 from ${directoryTables[kind].table} d where d.id = c.object_id and (d.revision = c.expected_revision or ${mayMove}))`,
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
  if (objectKinds.some((kind) => contents.has(kind, 'create', 'move'))) {
    while ((await settle(batch, parentMissing, 'skipped', 'DependencyFailed', message)) > 0);
  }
}

/**
 * After all else of the batch is written, deletions of users and groups included: a unit that holds what stays is not
 * deleted, nor the units above it.
 */
export async function checkUnitDeletions(batch: Batch): Promise<void> {
  const occupied = sql`c.kind = 'organizationalUnit' and c.verb = 'delete' and (
    exists (select 1 from organizational_unit u where u.parent_id = c.object_id and not exists (
      select 1 from change x where x.job_serial = c.job_serial and x.ordinal > ${batch.from} and x.ordinal <= ${batch.through}
        and x.kind = 'organizationalUnit' and x.verb = 'delete' and x.result is null and x.object_id = u.id))
    or exists (select 1 from directory_user u where u.parent_id = c.object_id)
    or exists (select 1 from directory_group g where g.parent_id = c.object_id))`;
  const message = 'the organizational unit still holds objects that stay';
  while ((await settle(batch, occupied, 'skipped', 'DependencyFailed', message)) > 0);
}

/** After the objects of the batch are written: members whose group or object could not be are skipped. */
export async function checkMemberships(batch: Batch): Promise<void> {
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

/**
 * Units that this plan would put below themselves fail, and stay where they are: a cycle hangs from no root, and what
 * is in it would be lost from sight. Looks at the plan's places over those of the directory.
 */
export async function refuseUnitCycles(store: Store, job: RunnableJob): Promise<void> {
  await sql`
    with recursive placed as (
      select c.object_id as id, c.parent_id from change c
      where c.job_serial = ${job.serial} and c.kind = 'organizationalUnit' and c.verb in ('create', 'move') and c.result is null
    ), walk (start, at, cyclic) as (
      select p.id, p.parent_id, false from placed p where p.parent_id is not null
      union all
      select w.start, coalesce(p.parent_id, case when p.id is null then u.parent_id end), w.at = w.start
      from walk w
      left join placed p on p.id = w.at
      left join organizational_unit u on u.id = w.at
      where w.at is not null and not w.cyclic
    ) cycle at set looped using path
    update change c set result = 'failed', error_code = 'ParentCycle',
      error_message = 'the organizational units above it lead back to itself'
    where c.job_serial = ${job.serial} and c.kind = 'organizationalUnit' and c.verb in ('create', 'move')
      and c.object_id in (select start from walk where cyclic)`.execute(store.db);
}
