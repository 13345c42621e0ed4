import { sql } from 'kysely';
import type { RunnableSync, WaitingMembers } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';

/** A note names so many of them. */
const named = 3;

/**
 * References of groups that name nobody in the directory. The index on `member_id` holds them together, so the work is
 * in proportion to those that wait and not to all memberships.
 */
export async function findWaitingMembers(store: Store, sync: RunnableSync): Promise<WaitingMembers> {
  if (sync.direction === 'egress') return { count: 0, examples: [] };
  const { rows } = await sql<{ count: number; label: string }>`
    select count(*) over ()::int as count, coalesce(g.name, x.group_id) || ' < ' || x.reference as label
    from membership_link x
    join link l on l.sync_serial = x.sync_serial and l.kind = 'group' and l.object_id = x.group_id and l.state = 'live'
    left join directory_group g on g.id = x.group_id
    where x.member_id is null and x.sync_serial = ${sync.serial}
    order by label limit ${named}`.execute(store.db);
  return { count: rows[0]?.count ?? 0, examples: rows.map(({ label }) => label) };
}
