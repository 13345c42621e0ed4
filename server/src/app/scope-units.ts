import { LockstepError } from '../kernel/errors.ts';
import type { ConnectionRow } from '../store/queries/connections.ts';
import { findScopeUnits, moveScopes, updateScopeUnits } from '../store/queries/scope-units.ts';
import { findSync, findSyncById, type SyncRow } from '../store/queries/syncs.ts';
import type { Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';
import { unitPaths } from './directory-path.ts';
import { validateSync } from './sync-validation.ts';

/**
 * Keeps which units the scopes of a saved sync mean, for those that name units by id and not by path.
 * @param paths of the units by their ids; the root is no unit
 */
export async function rememberScopeUnits(
  trx: Executor,
  actor: Actor,
  syncName: string,
  paths: ReadonlyMap<string, string>,
): Promise<void> {
  const sync = await findSync(trx, actor.tenantId, syncName);
  if (sync === undefined) return;
  const units = [...paths].flatMap(([id, path]) => (path === '/' ? [] : [[path, id] as const]));
  await updateScopeUnits(trx, sync.id, new Map(units));
}

/**
 * A sync whose scopes are where their units are now: units that were named by id are followed when they are renamed or
 * moved, and the sync is saved so.
 * @throws LockstepError ReferenceNotFound for a unit that was deleted; InvalidConfiguration when scopes lie in one
 * another now.
 */
export async function followScopeUnits(
  app: Application,
  sync: SyncRow,
  connection: ConnectionRow,
): Promise<SyncRow> {
  const units = await findScopeUnits(app.store.db, sync.id);
  const { scopes } = sync.settings;
  if (units.size === 0 || scopes === undefined) return sync;
  const side = sync.direction === 'ingress' ? 'target' : 'source';
  const paths = await unitPaths(app.store.db, sync.tenantId, [...units.values()]);
  const current = new Map<string, string>();
  const followed = scopes.map((scope) => {
    const id = units.get(scope[side]);
    if (id === undefined) return scope;
    const path = paths(id);
    if (path === undefined)
      throw new LockstepError('ReferenceNotFound', `the organizational unit ${scope[side]} was deleted`, {
        remedy: 'Choose another one for the scope.',
      });
    current.set(path, id);
    return { ...scope, [side]: path };
  });
  if (followed.every((scope, index) => scope[side] === scopes[index]?.[side])) return sync;
  const settings = { ...sync.settings, scopes: followed };
  await validateSync(app, sync.name, settings, connection);
  await moveScopes(app.store.db, sync, settings, current);
  // Who changed the sync meanwhile knew where the units are.
  return (await findSyncById(app.store.db, sync.id)) ?? sync;
}
