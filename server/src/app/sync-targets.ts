import { LockstepError } from '../kernel/errors.ts';
import { findConnection } from '../store/queries/connections.ts';
import { findObject } from '../store/queries/directory.ts';
import {
  selectConnectionIdsOfTypes,
  selectConnectionIdsWithJobs,
  selectSyncsOfConnection,
} from '../store/queries/sync-targets.ts';
import type { SyncRow } from '../store/queries/syncs.ts';
import type { JobSelection } from '../sync/selection.ts';
import { getTenant } from './directory-search.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';

/** Types of connections that stand for an application that is provided with people, and for no source of identities. */
export const applicationTypes: readonly string[] = ['scim', 'event_callback'];

/**
 * The sync that is meant when only a connection is named: the first of its syncs.
 * @throws LockstepError NotFound for an unknown connection; Conflict for one that has no sync.
 */
export async function getSyncOfConnection(
  app: Application,
  actor: Actor,
  connectionId: string,
  kind: 'application' | 'identityProvider',
): Promise<SyncRow> {
  const connection = await findConnection(app.store.db, actor.tenantId, connectionId);
  const isApplication = connection !== undefined && applicationTypes.includes(connection.type);
  if (connection?.id !== connectionId || isApplication !== (kind === 'application')) {
    throw new LockstepError('NotFound', `there is no ${kind} ${JSON.stringify(connectionId)}`);
  }
  const [sync] = await selectSyncsOfConnection(app.store.db, actor.tenantId, connection.id);
  if (sync !== undefined) return sync;
  throw new LockstepError('Conflict', `connection ${connection.name} has no sync yet`, {
    remedy: 'Say first what is to be synchronized, and where to.',
  });
}

/** Ids of the tenant's applications, also of those that are gone. */
export async function applicationIds(app: Application, actor: Actor): Promise<string[]> {
  return selectConnectionIdsOfTypes(app.store.db, actor.tenantId, applicationTypes);
}

/** Ids of all connections that have jobs, also of those that are gone. */
export async function connectionIdsWithJobs(app: Application, actor: Actor): Promise<string[]> {
  return selectConnectionIdsWithJobs(app.store.db, actor.tenantId);
}

const selected = [
  ['userIds', 'user', 'UserIds'],
  ['groupIds', 'group', 'GroupIds'],
  ['organizationalUnitIds', 'organizationalUnit', 'OrganizationalUnitIds'],
] as const;

/**
 * Checks that what a partial run names is there. The root of the directory means everything: then the run is a whole
 * one, and the selection undefined.
 * @throws LockstepError NotFound, with the list that has the unknown id as its field.
 */
export async function checkSelection(
  app: Application,
  actor: Actor,
  selection: JobSelection,
): Promise<JobSelection | undefined> {
  const { rootId } = await getTenant(app, actor);
  if (selection.organizationalUnitIds?.includes(rootId) === true) return undefined;
  for (const [list, kind, field] of selected) {
    for (const id of selection[list] ?? []) {
      const found = await findObject(app.store.db, actor.tenantId, kind, id);
      if (found === undefined) throw new LockstepError('NotFound', `there is no ${kind} ${id}`, { field });
    }
  }
  const isEmpty = selected.every(([list]) => (selection[list]?.length ?? 0) === 0);
  return isEmpty ? undefined : selection;
}
