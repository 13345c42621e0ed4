import { sql, type Kysely } from 'kysely';
import type { Database } from '../schema.ts';

/** An organizational unit as the records of jobs last showed it. */
export interface PastUnit {
  readonly id: string;
  readonly name: string;
  /** Empty at the root; null where no record says. */
  readonly parentId: string | null;
}

/** Units that are not in the directory (gone, or only planned), from the newest change of each that says where it was. */
export async function selectPastUnits(
  executor: Kysely<Database>,
  tenantId: string,
  ids: readonly string[],
): Promise<PastUnit[]> {
  if (ids.length === 0) return [];
  const { rows } = await sql<PastUnit>`
    select distinct on (change.object_id) change.object_id as "id",
      coalesce(change.after -> '$name' ->> 0, change.before -> '$name' ->> 0, change.label) as "name",
      coalesce(change.after -> '$parent' ->> 0, change.before -> '$parent' ->> 0) as "parentId"
    from change join job on job.serial = change.job_serial
    where change.object_id = any(${[...ids]}::text[]) and change.kind = 'organizationalUnit' and job.tenant_id = ${tenantId}
    order by change.object_id,
      coalesce(change.after -> '$parent', change.before -> '$parent') is null, change.job_serial desc, change.ordinal desc`.execute(
    executor,
  );
  return rows;
}
