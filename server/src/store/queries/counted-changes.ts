import { sql } from 'kysely';

/** Another change of the same object in the same job. */
const ofSameObject = sql`o.job_serial = change.job_serial and o.kind = change.kind and o.object_id = change.object_id`;

/** Rows of `change` that count as what was written to a system: of an object the change that writes it first. */
export const countsAsWritten = sql`(change.verb not in ('bind', 'unbind') and not change.follows)`;

/**
 * Rows of `change` that count in the operation of their verb. An object counts once: what follows its first change is a
 * part of that one, and counts by itself only where it did not succeed although the first one did. A move, which would
 * count in the same operation, then does not.
 */
export const countsInOperation = sql`case
  when change.follows then change.result is not null and exists (
    select 1 from change o where ${ofSameObject} and not o.follows and o.verb <> 'bind' and o.result is null offset 0)
  when change.verb = 'move' and change.result is null then not exists (
    select 1 from change o where ${ofSameObject} and o.follows and o.result is not null offset 0)
  else true end`;
