import { sql } from 'kysely';
import type { RunnableSync } from '../../sync/sync-store.ts';
import type { Store } from '../store.ts';

/** How many users that the directory holds as disabled have a live counterpart in the sync's connected system. */
export async function countDisabledAccounts(store: Store, sync: RunnableSync): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count
    from directory_user u
    join link l on l.object_id = u.id and l.sync_serial = ${sync.serial} and l.state = 'live'
    where u.tenant_id = ${sync.tenantId} and not u.enabled`.execute(store.db);
  return rows[0]?.count ?? 0;
}
