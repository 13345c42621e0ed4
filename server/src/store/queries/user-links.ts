import { sql, type Kysely, type RawBuilder } from 'kysely';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** The tie of a user to a connection. */
export interface UserLinkRow {
  /** Of the sync that has it; a user has one link in each at most. */
  readonly syncSerial: number;
  readonly connectionId: string;
  readonly externalId: string;
  readonly linkedAt: Date;
}

export interface UserLinkFilter {
  readonly connectionId?: string | undefined;
  readonly externalId?: string | undefined;
}

const from = sql`
  link l join sync s on s.serial = l.sync_serial join connection c on c.id = s.connection_id`;

function condition(userId: string, filter: UserLinkFilter): RawBuilder<unknown> {
  const conditions = [sql`l.object_id = ${userId}`];
  if (filter.connectionId !== undefined) conditions.push(sql`c.id = ${filter.connectionId}`);
  if (filter.externalId !== undefined) conditions.push(sql`l.external_id = ${filter.externalId}`);
  return sql.join(conditions, sql` and `);
}

/** Links of a user by the serial of their sync: those after a serial, or the last ones before one. */
export async function selectUserLinks(
  executor: Executor,
  userId: string,
  filter: UserLinkFilter,
  page: { readonly after?: number | undefined; readonly before?: number | undefined; readonly limit: number },
): Promise<{ rows: UserLinkRow[]; total: number; preceding: number; following: number }> {
  const { after = 0, before } = page;
  const bound = before === undefined ? sql`l.sync_serial > ${after}` : sql`l.sync_serial < ${before}`;
  const order = sql.raw(before === undefined ? 'asc' : 'desc');
  const { rows } = await sql<UserLinkRow>`
    select l.sync_serial as "syncSerial", c.id as "connectionId", l.external_id as "externalId", l.linked_at as "linkedAt"
    from ${from} where ${condition(userId, filter)} and ${bound}
    order by l.sync_serial ${order} limit ${page.limit}`.execute(executor);
  if (before !== undefined) rows.reverse();
  const [first, last] = [rows.at(0)?.syncSerial ?? 0, rows.at(-1)?.syncSerial ?? 0];
  const { rows: counts } = await sql<{ total: number; preceding: number; following: number }>`
    select count(*) as total, count(*) filter (where l.sync_serial < ${first}) as preceding,
      count(*) filter (where l.sync_serial > ${last}) as following
    from ${from} where ${condition(userId, filter)}`.execute(executor);
  return { rows, ...(counts[0] ?? { total: 0, preceding: 0, following: 0 }) };
}

/** The sync of a connection that its links belong to: the first ingress one, else the first one. */
export async function findLinkingSync(
  executor: Executor,
  connectionId: string,
): Promise<{ serial: number; direction: 'ingress' | 'egress' } | undefined> {
  const { rows } = await sql<{ serial: number; direction: 'ingress' | 'egress' }>`
    select serial, direction from sync where connection_id = ${connectionId}
    order by direction desc, position, id limit 1`.execute(executor);
  return rows[0];
}

/**
 * Ties a user to a record of a connection. Of an ingress sync the link waits, as one of a record that is gone, until the
 * record is seen: what was never there cannot be missed.
 * @returns false when either of them has another link there
 */
export async function insertUserLink(
  executor: Executor,
  sync: { readonly serial: number; readonly direction: 'ingress' | 'egress' },
  userId: string,
  externalId: string,
): Promise<boolean> {
  const state = sync.direction === 'ingress' ? 'missing' : 'live';
  await sql`
    insert into link (sync_serial, kind, external_id, object_id, state)
    values (${sync.serial}, 'user', ${externalId}, ${userId}, ${state}) on conflict do nothing`.execute(
    executor,
  );
  const { rows } = await sql`
    select 1 from link where sync_serial = ${sync.serial} and kind = 'user' and external_id = ${externalId}
      and object_id = ${userId}`.execute(executor);
  return rows.length > 0;
}

/** @returns false when there is no such link */
export async function deleteUserLink(
  executor: Executor,
  connectionId: string,
  userId: string,
  externalId: string,
): Promise<boolean> {
  const { rows } = await sql`
    delete from link l using sync s
    where s.serial = l.sync_serial and s.connection_id = ${connectionId} and l.object_id = ${userId}
      and l.kind = 'user' and l.external_id = ${externalId} returning 1`.execute(executor);
  return rows.length > 0;
}
