import { sql } from 'kysely';
import type { RawBuilder } from 'kysely';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { directoryTables } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

/** Changes `c` of the plan that give an object of the kind a name or a place. */
const placing = ({ job }: StagingContext, kind: ObjectKind): RawBuilder<unknown> =>
  sql`c.job_serial = ${job.serial} and c.kind = ${kind} and c.result is null and c.after is not null
    and (c.verb = 'create' or c.after ? '$name' or c.after ? '$parent')`;

/** Fails the changes whose place has no unit above it, neither now nor by this plan. */
async function refuseHomeless(context: StagingContext, kind: ObjectKind): Promise<number> {
  const { numAffectedRows } = await sql`
    update change c set result = 'failed', error_code = 'UndoConflict',
      error_message = 'the organizational unit above it is not in the directory any more'
    where ${placing(context, kind)} and c.parent_id is not null
      and not exists (select 1 from organizational_unit u where u.id = c.parent_id)
      and not exists (
        select 1 from change p where p.job_serial = c.job_serial and p.object_id = c.parent_id
          and p.kind = 'organizationalUnit' and p.verb = 'create' and p.result is null)`.execute(
    context.store.db,
  );
  return Number(numAffectedRows ?? 0);
}

/** Fails the changes whose name is another object's by now, unless this plan takes it from that one. */
async function refuseTaken(context: StagingContext, kind: ObjectKind): Promise<number> {
  const { table, name, key } = directoryTables[kind];
  // User names are unique in a tenant, the others in their place.
  const samePlace = kind === 'user' ? sql`true` : sql`h.parent_key = coalesce(c.parent_id, '')`;
  const { numAffectedRows } = await sql`
    update change c set result = 'failed', error_code = 'UndoConflict',
      error_message = format('another object is called "%s" by now', h.${name})
    from ${table} h
    where ${placing(context, kind)} and h.tenant_id = ${context.sync.tenantId} and ${samePlace} and h.id <> c.object_id
      and h.${key} = coalesce(c.keys -> '$name' ->> 0, (select d.${key} from ${table} d where d.id = c.object_id))
      and not exists (
        select 1 from change x where x.job_serial = c.job_serial and x.object_id = h.id and x.kind = c.kind and x.result is null
          and (x.verb = 'delete' or x.after ? '$name' or ${kind !== 'user'}::boolean and x.after ? '$parent'))`.execute(
    context.store.db,
  );
  return Number(numAffectedRows ?? 0);
}

/**
 * Undo: fails what the directory of today has no room for, so that a preview shows it, and the rest of a batch is not
 * taken apart for it. One that stays where it is may be in the way of others: looked at until nothing more is found.
 */
export async function refuseUndoConflicts(context: StagingContext): Promise<void> {
  for (let refused = 1; refused > 0;) {
    refused = 0;
    for (const kind of objectKinds)
      refused += (await refuseHomeless(context, kind)) + (await refuseTaken(context, kind));
  }
}
