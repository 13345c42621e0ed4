import { sql } from 'kysely';
import { matchKey } from '../../sync/match-key.ts';
import type { JobSelection } from '../../sync/selection.ts';
import type { Executor } from '../store.ts';
import { requireOwnership } from './job-rows.ts';
import type { StagingContext } from './staging-tables.ts';

/** E-mail addresses of a user, in an image of a change, in the directory or in what was read, as rows of one column. */
const addresses = (image: string) =>
  sql.raw(`select jsonb_array_elements_text(
  case when jsonb_typeof(${image} -> 'mail') = 'array' then ${image} -> 'mail' else '[]'::jsonb end)`);
const pageSize = 2000;

interface PlannedUser {
  readonly ordinal: number;
  /** null: of one who never came to be. */
  readonly id: string | null;
  readonly emails: readonly string[];
}

/**
 * The users in a plan who have one of these addresses, had it or will have it, by their ids; and by their ordinals the
 * changes of those whose record could not come in, and of those of whom not even an address is known. Compared here and
 * not by lower(), which depends on the database's locale.
 */
async function usersWithAddress(
  trx: Executor,
  { job, table }: StagingContext,
  emails: readonly string[],
): Promise<{ ids: readonly string[]; ordinals: readonly number[]; unknown: readonly number[] }> {
  const wanted = new Set(emails.map(matchKey));
  const ids = new Set<string>();
  const ordinals: number[] = [];
  const unknown: number[] = [];
  for (let after: number | undefined = 0; after !== undefined && wanted.size > 0;) {
    const { rows }: { rows: PlannedUser[] } = await sql<PlannedUser>`
      select c.ordinal, c.object_id as id,
        array(${addresses('c.after')} union ${addresses('c.before')} union ${addresses('d.attributes')} union ${addresses('o.attributes')}) as emails
      from change c left join directory_user d on d.id = c.object_id
      left join ${table('object')} o on c.object_id is null and o.kind = c.kind and o.external_id = c.external_id
      where c.job_serial = ${job.serial} and c.ordinal > ${after} and c.kind = 'user'
      order by c.ordinal limit ${pageSize}`.execute(trx);
    for (const { ordinal, id, emails: own } of rows) {
      if (id === null && own.length === 0) unknown.push(ordinal);
      if (!own.some((email) => wanted.has(matchKey(email)))) continue;
      if (id === null) ordinals.push(ordinal);
      else ids.add(id);
    }
    after = rows.at(-1)?.ordinal;
  }
  return { ids: [...ids], ordinals, unknown };
}

/**
 * Takes out of an unweighed plan what a partial run must not touch. The creation of a unit stays where something
 * selected is to lie below it; a membership stays where its group or its member is selected. Records that could not come
 * in, and of which it is not known whether they are asked for, are told by their number.
 */
export async function keepSelected(context: StagingContext, selection: JobSelection): Promise<void> {
  const { store, job } = context;
  const groups = selection.groupIds ?? [];
  const units = selection.organizationalUnitIds ?? [];
  await store.transaction(async (trx) => {
    await requireOwnership(trx, job);
    const addressed = await usersWithAddress(trx, context, selection.emails ?? []);
    const users = [...(selection.userIds ?? []), ...addressed.ids];
    // Of what never came to be no place is known.
    const isDoubtful =
      units.length > 0
        ? sql`k.object_id is null and k.result = 'failed'`
        : sql`k.ordinal = any (${addressed.unknown}::bigint[])`;
    const { rows } = await sql<{ doubtful: number }>`
      with recursive unit (id, parent_id) as (
        select u.id, u.parent_id from organizational_unit u where u.tenant_id = ${job.tenantId}
        union all
        select c.object_id, c.parent_id from change c
        where c.job_serial = ${job.serial} and c.kind = 'organizationalUnit' and c.verb = 'create' and c.object_id is not null
      ), below (id) as (
        select unnest(${units}::text[]) collate "C"
        union
        select u.id from unit u join below b on u.parent_id = b.id
      ), person (id) as (
        select unnest(${users}::text[]) collate "C"
        union
        select c.object_id from change c left join directory_user d on d.id = c.object_id
        where c.job_serial = ${job.serial} and c.kind = 'user' and c.object_id is not null
          and (c.parent_id in (select id from below) or d.parent_id in (select id from below))
      ), party (id) as (
        select unnest(${groups}::text[]) collate "C"
        union
        select c.object_id from change c left join directory_group d on d.id = c.object_id
        where c.job_serial = ${job.serial} and c.kind in ('group', 'membership') and c.object_id is not null
          and (c.kind = 'group' and c.parent_id in (select id from below) or d.parent_id in (select id from below))
      ), above (id) as (
        select c.parent_id from change c
        where c.job_serial = ${job.serial} and c.parent_id is not null and (
          c.kind = 'user' and c.object_id in (select id from person) or c.kind = 'group' and c.object_id in (select id from party)
          or c.kind = 'organizationalUnit' and c.object_id in (select id from below))
        union
        select u.parent_id from unit u join above a on a.id = u.id where u.parent_id is not null
      ), left_out as (
        delete from change c where c.job_serial = ${job.serial} and not coalesce(case c.kind
          when 'user' then c.object_id in (select id from person) or c.ordinal = any (${addressed.ordinals}::bigint[])
          when 'group' then c.object_id in (select id from party)
          when 'organizationalUnit' then c.object_id in (select id from below)
            or c.verb = 'create' and c.object_id in (select id from above)
          else c.object_id in (select id from party)
            or c.member_id in (select id from person) or c.member_id in (select id from party)
        end, false)
        returning c.ordinal, c.object_id, c.result
      )
      select count(*)::int as doubtful from left_out k where ${isDoubtful}`.execute(trx);
    const doubtful = rows[0]?.doubtful ?? 0;
    if (doubtful === 0) return;
    const text = `records that could not come in, and do not tell whether they belong to what was asked for: ${doubtful}; a run of everything names them`;
    await sql`insert into job_message (job_serial, level, text) values (${job.serial}, 'warning', ${text})`.execute(
      trx,
    );
  });
}
