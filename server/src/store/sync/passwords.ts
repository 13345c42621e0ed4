import { sql } from 'kysely';
import { LockstepError } from '../../kernel/errors.ts';
import { passwordAttribute } from '../../sync/image.ts';
import type { PlannedPasswords, RunnableSync } from '../../sync/sync-store.ts';
import type { TargetPassword } from '../../sync/connector.ts';
import { selectPendingPasswords, type SealedPassword } from '../queries/pending-passwords.ts';
import type { Store } from '../store.ts';
import { insertPlanned } from './insert-planned.ts';
import { lastOrdinal } from './members.ts';
import type { StagingContext } from './staging-tables.ts';

/** How passwords that wait are opened, and by which clock they expire. */
export interface PasswordReading {
  /** @throws LockstepError for one that was sealed with another master key. */
  open(sealed: SealedPassword): string;
  now(): Date;
}

/** Changes that count as updates of their object: an object has one of them. */
const updating = sql`c.verb in ('update', 'move', 'enable', 'disable')`;

/**
 * Egress: users in scope whose password waits and who are in the target, or are going to be by this plan, are updated.
 * The change says that a password is set, and nothing of what it is. Users who are at fault wait for the next plan.
 */
export async function planPasswords(
  context: StagingContext,
  first: number,
  now: Date,
): Promise<PlannedPasswords> {
  const { job, sync, table } = context;
  const changed = sql`
    from change c
    where c.job_serial = ${job.serial} and c.kind = 'user' and c.object_id = s.object_id and c.ordinal < ${first}`;
  const said = sql`jsonb_build_object(${passwordAttribute}::text, '["set"]'::jsonb)`;
  const { rows } = await insertPlanned(context, (trx) =>
    sql<{ alone: boolean }>`
      with waiting as materialized (
        select s.object_id, s.scope, d.username, not exists (select ${changed}) as alone,
          exists (select ${changed} and c.verb = 'create') as created,
          (select max(c.ordinal) ${changed} and ${updating}) as ordinal
        from pending_password p
        join ${table('source')} s on s.kind = 'user' and s.object_id = p.user_id
        join directory_user d on d.id = s.object_id
        where p.sync_serial = ${sync.serial} and p.expires_at > ${now}
          and not exists (select ${changed} and c.result is not null)
          and (exists (select ${changed} and c.verb in ('create', 'bind')) or exists (
            select from link l where l.sync_serial = ${sync.serial} and l.object_id = s.object_id and l.state = 'live'))
      ), joined as (
        update change c set after = coalesce(c.after, '{}'::jsonb) || ${said}
        from waiting w where c.job_serial = ${job.serial} and c.ordinal = w.ordinal
      ), planned as (
        insert into change (job_serial, ordinal, kind, verb, object_id, label, before, after, scope, follows)
        select ${job.serial}, ${first}::bigint - 1 + row_number() over (order by object_id), 'user', 'update', object_id,
          username, '{}'::jsonb, ${said}, scope, created
        from waiting where ordinal is null
      )
      select alone from waiting`.execute(trx),
  );
  return {
    last: await lastOrdinal(context, first),
    unchanged: rows.filter(({ alone }) => alone).length,
  };
}

/** Passwords of users, or why one cannot be opened, by user; what has expired is not among them. */
export async function loadPasswords(
  store: Store,
  sync: RunnableSync,
  userIds: readonly string[],
  reading: PasswordReading,
): Promise<ReadonlyMap<string, TargetPassword | LockstepError>> {
  if (userIds.length === 0) return new Map();
  const rows = await selectPendingPasswords(store.db, sync.serial, userIds, reading.now());
  return new Map(rows.map((row) => [row.userId, openPassword(row, reading)]));
}

function openPassword(row: SealedPassword, reading: PasswordReading): TargetPassword | LockstepError {
  try {
    return { text: reading.open(row), version: row.version };
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
}
