import { sql } from 'kysely';
import { countUnfinishedJobs } from '../store/queries/jobs.ts';
import { selectLastRuns, type LastRunRow } from '../store/queries/syncs.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** Whether the installation can serve, and what its operator must know of the store. */
export interface Readiness {
  readonly ready: boolean;
  readonly store: 'embedded' | 'server';
  /** false: what was acknowledged may be lost when the power fails. */
  readonly durable: boolean;
  readonly note?: string;
}

const embeddedNote =
  'The embedded store does not fsync: it survives a crash of the process, and can lose the last writes when the power ' +
  'fails. Take backups, or use a PostgreSQL server.';

export async function checkReadiness(app: Application): Promise<Readiness> {
  const embedded = app.store.engine === 'embedded';
  const about = {
    store: app.store.engine,
    durable: !embedded,
    ...(embedded ? { note: embeddedNote } : {}),
  };
  try {
    await sql`select 1`.execute(app.store.db);
    return { ready: true, ...about };
  } catch {
    return { ready: false, ...about };
  }
}

/** Jobs waiting and running in the whole installation. */
export async function countActiveJobs(app: Application): Promise<{ pending: number; running: number }> {
  return countUnfinishedJobs(app.store.db);
}

/** How the syncs of the tenant ended last. */
export async function listLastRuns(app: Application, actor: Actor): Promise<LastRunRow[]> {
  return selectLastRuns(app.store.db, actor.tenantId);
}
