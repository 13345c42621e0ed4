import { sql } from 'kysely';
import { pending } from './directory-batch.ts';
import type { Batch, Contents } from './directory-batch.ts';

/** Members that are taken back differ from what the source says of a group: the next run compares them, whatever its bytes. */
async function lookAgain(batch: Batch): Promise<void> {
  const { trx, sync } = batch;
  await sql`
    update link l set fingerprint = null
    where l.sync_serial = ${sync.serial} and l.object_id = any (array(
      select distinct c.object_id from change c where ${pending(batch)} and c.kind = 'membership'))`.execute(
    trx,
  );
}

/** Carries out the membership changes of a batch. */
export async function writeMemberships(batch: Batch, contents: Contents): Promise<void> {
  const { trx, job, sync, revision } = batch;
  if (job.undoesJobId !== null) await lookAgain(batch);
  await sql`
    insert into membership (group_id, member_id, tenant_id, member_kind, revision)
    select distinct c.object_id, c.member_id, ${sync.tenantId}, c.member_kind, ${revision}::bigint
    from change c where ${pending(batch)} and c.kind = 'membership' and c.verb = 'addMember'
    on conflict do nothing`.execute(trx);
  await sql`
    insert into membership_link (sync_serial, group_id, reference, member_id)
    select ${sync.serial}, c.object_id, c.external_id, min(c.member_id)
    from change c where ${pending(batch)} and c.kind = 'membership' and c.verb in ('addMember', 'bind') and c.external_id is not null
    group by c.object_id, c.external_id
    on conflict (sync_serial, group_id, reference) do update set member_id = excluded.member_id`.execute(trx);
  if (!contents.has('membership', 'removeMember')) return;
  await sql`
    delete from membership m using change c
    where ${pending(batch)} and c.kind = 'membership' and c.verb = 'removeMember' and m.group_id = c.object_id and m.member_id = c.member_id`.execute(
    trx,
  );
  const removed = sql`${pending(batch)} and c.kind = 'membership' and c.verb = 'removeMember' and x.sync_serial = ${sync.serial}
    and x.group_id = c.object_id and x.member_id = c.member_id`;
  await sql`
    delete from membership_link x using change c where ${removed} and (c.releases_link or x.reference = x.member_id)`.execute(
    trx,
  );
  // A reference that the group still names waits for the one who comes by it.
  await sql`
    update membership_link x set member_id = null from change c where ${removed} and not c.releases_link`.execute(
    trx,
  );
}
