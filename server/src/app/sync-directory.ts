import type { JobView } from '@lockstep/contract/job.ts';
import { LockstepError } from '../kernel/errors.ts';
import { selectConnections } from '../store/queries/connections.ts';
import { findUnfinishedJob } from '../store/queries/jobs.ts';
import { selectSyncs, type SyncRow } from '../store/queries/syncs.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { listJobs } from './jobs.ts';

/** A sync with what people call its connection. */
export interface NamedSync {
  readonly sync: SyncRow;
  readonly connectionSerial: number;
  readonly connectionType: string;
  /** As a configuration names it. */
  readonly connectionName: string;
  readonly displayName: string;
  /** What APIs keep with the connection, by their names. */
  readonly annotations: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** More than any tenant has. */
const everything = 100_000;

/** All syncs of the tenant in their order. */
export async function listNamedSyncs(app: Application, actor: Actor): Promise<NamedSync[]> {
  const connections = await selectConnections(app.store.db, actor.tenantId, { limit: everything });
  const byId = new Map(connections.map((connection) => [connection.id, connection]));
  const syncs = await selectSyncs(app.store.db, actor.tenantId, { limit: everything });
  return syncs.flatMap((sync) => {
    const connection = byId.get(sync.connectionId);
    if (connection === undefined) return [];
    return [
      {
        sync,
        connectionSerial: connection.serial,
        connectionType: connection.type,
        connectionName: connection.name,
        displayName: connection.displayName ?? connection.name,
        annotations: connection.annotations,
      },
    ];
  });
}

/** The newest job, previews left out, whose id lies between two others, both included. @throws LockstepError NotFound. */
export async function getJobBetween(
  app: Application,
  actor: Actor,
  ids: { readonly from: string; readonly through: string },
): Promise<JobView> {
  // Lists begin behind an id, and a blank sorts before every character of one.
  const page = { after: `${ids.through} `, limit: 1 };
  const { items } = await listJobs(app, actor, { modes: ['apply', 'approve'] }, page);
  const job = items[0];
  if (job !== undefined && job.id >= ids.from) return job;
  throw new LockstepError('NotFound', 'there is no such job');
}

/** Whether a run of a sync, no preview, is at work: one look at the state of its job, which gets in nobody's way. */
export async function isRunning(app: Application, { sync }: NamedSync): Promise<boolean> {
  const job = await findUnfinishedJob(app.store.db, sync.id);
  return job?.status === 'running' && job.mode !== 'dryRun';
}
