import { LockstepError } from '../kernel/errors.ts';
import type { Actor } from './actor.ts';
import type { Application } from './application.ts';
import { unitPaths } from './directory-path.ts';
import { getTenant } from './directory-search.ts';

/**
 * Paths of organizational units by their ids, the id of the root included.
 * @throws LockstepError NotFound for an unknown one.
 */
export async function pathsOfUnits(
  app: Application,
  actor: Actor,
  ids: readonly string[],
): Promise<ReadonlyMap<string, string>> {
  const { rootId } = await getTenant(app, actor);
  const paths = await unitPaths(app.store.db, actor.tenantId, ids);
  return new Map(
    ids.map((id) => {
      const path = id === rootId ? '/' : paths(id);
      if (path !== undefined) return [id, path];
      throw new LockstepError('NotFound', `there is no organizational unit ${JSON.stringify(id)}`);
    }),
  );
}
