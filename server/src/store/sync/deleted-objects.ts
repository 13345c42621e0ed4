import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { Executor } from '../store.ts';

/** Memberships of objects that go, with what ingress syncs know of them. */
async function forgetMemberships(
  trx: Executor,
  kind: ObjectKind,
  gone: RawBuilder<unknown>,
  by: { readonly tenantId: string; readonly jobSerial: number | null },
): Promise<void> {
  // Nobody is a member of a user.
  for (const end of kind === 'group' ? [sql.ref('group_id'), sql.ref('member_id')] : [sql.ref('member_id')])
    await sql`
    with removed as (
      delete from membership where ${end} in (${gone}) returning group_id, member_id
    )
    insert into directory_log (tenant_id, kind, verb, object_id, member_id, job_serial)
    select ${by.tenantId}, 'membership', 'removeMember', group_id, member_id, ${by.jobSerial}::bigint from removed`.execute(
      trx,
    );
  if (kind === 'group')
    await sql`
    delete from membership_link x using sync s
    where s.serial = x.sync_serial and s.direction = 'ingress' and x.group_id in (${gone})`.execute(trx);
  // Groups that name a member who is gone may do so when one of this name comes back.
  await sql`
    update membership_link x set member_id = null from sync s
    where s.serial = x.sync_serial and s.direction = 'ingress' and x.member_id in (${gone})`.execute(trx);
}

/** Records whose attributes name an object that goes: the next run looks whom they name by then. */
async function lookAgainAtReferrers(trx: Executor, gone: RawBuilder<unknown>): Promise<void> {
  // Name by name, each looked up by itself: by no statistics are all references read, or their index for each object.
  await sql`
    with names as materialized (
      select g.sync_serial, g.object_id, n.reference
      from link g
      join sync s on s.serial = g.sync_serial and s.direction = 'ingress'
      cross join lateral unnest(array[g.reference, g.alias]) n (reference)
      where g.object_id in (${gone}) and n.reference is not null
    ), naming as materialized (
      select n.sync_serial, r.kind, r.external_id from names n cross join lateral (
        select r.kind, r.external_id from reference_link r
        where r.sync_serial = n.sync_serial and r.reference = n.reference and r.object_id = n.object_id offset 0) r
    )
    update link l set fingerprint = null from naming n
    where l.sync_serial = n.sync_serial and l.kind = n.kind and l.external_id = n.external_id`.execute(trx);
}

/**
 * Takes away what hangs on objects that are deleted in the same transaction. Links of egress syncs stay: from them their
 * next run knows what to delete.
 * @param query of the ids
 */
export async function forgetObjects(
  trx: Executor,
  kind: ObjectKind,
  query: RawBuilder<unknown>,
  by: { readonly tenantId: string; readonly jobSerial: number | null },
): Promise<void> {
  // A list of its own: else of each membership all changes of its group may be looked through.
  const gone = sql`with gone as materialized (${query}) select * from gone`;
  if (kind !== 'organizationalUnit') {
    await forgetMemberships(trx, kind, gone, by);
    await lookAgainAtReferrers(trx, gone);
  }
  await sql`delete from match_key where object_id in (${gone})`.execute(trx);
  await sql`
    delete from link l using sync s
    where s.serial = l.sync_serial and s.direction = 'ingress' and l.object_id in (${gone})`.execute(trx);
}
