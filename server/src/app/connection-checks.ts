import type { ConnectionTest } from '@lockstep/contract/connection.ts';
import { LockstepError } from '../kernel/errors.ts';
import { newConnectionCheckId } from '../kernel/ids.ts';
import {
  deleteOldConnectionChecks,
  endConnectionCheck,
  findConnectionCheck,
  insertConnectionCheck,
  type ConnectionCheckRow,
} from '../store/queries/connection-checks.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';
import { getConnectionRow, testConnection } from './connections.ts';

/** A test of a connection that ran, or runs, in the background. */
export type ConnectionCheck = ConnectionCheckRow;

const keptFor = 24 * 60 * 60_000;
/** A test that takes longer went down with its process. */
const longestCheck = 10 * 60_000;

async function runTest(app: Application, actor: Actor, connectionId: string): Promise<ConnectionTest> {
  try {
    return await testConnection(app, actor, connectionId);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    return { ok: false, steps: [{ step: 'connector', ok: false, detail: error.message }] };
  }
}

async function runCheck(app: Application, actor: Actor, connectionId: string, id: string): Promise<void> {
  const { ok, steps } = await runTest(app, actor, connectionId);
  await endConnectionCheck(app.store.db, id, ok ? 'success' : 'failed', steps);
}

/** Begins a test and returns its id at once. @throws LockstepError NotFound, Forbidden. */
export async function startConnectionCheck(
  app: Application,
  actor: Actor,
  connectionId: string,
): Promise<string> {
  requireRole(actor, 'operator');
  await getConnectionRow(app.store.db, actor, connectionId);
  const now = app.clock.now().getTime();
  await deleteOldConnectionChecks(app.store.db, connectionId, new Date(now - keptFor));
  const id = newConnectionCheckId(now);
  await insertConnectionCheck(app.store.db, { id, tenantId: actor.tenantId, connectionId });
  // A server that closes meanwhile leaves it running; who asks is told later that it broke off.
  runCheck(app, actor, connectionId, id).catch(() => undefined);
  return id;
}

/** @throws LockstepError NotFound. */
export async function getConnectionCheck(
  app: Application,
  actor: Actor,
  connectionId: string,
  id: string,
): Promise<ConnectionCheck> {
  const check = await findConnectionCheck(app.store.db, actor.tenantId, connectionId, id);
  if (check === undefined) throw new LockstepError('NotFound', `there is no check ${JSON.stringify(id)}`);
  const age = app.clock.now().getTime() - check.startedAt.getTime();
  if (check.status !== 'running' || age < longestCheck) return check;
  const steps = [{ step: 'connector', ok: false, detail: 'the check broke off with its process' }];
  return { ...check, status: 'failed', steps, endedAt: check.startedAt };
}
