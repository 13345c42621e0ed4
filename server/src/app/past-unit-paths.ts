import { renderPath } from '../directory/path.ts';
import { selectPastUnits, type PastUnit } from '../store/queries/past-units.ts';
import { objectPath, unitPaths, type UnitPaths } from './directory-path.ts';
import type { Executor } from './application.ts';

/** No directory is deeper; a record that says otherwise is not followed further. */
const deepest = 100;

/**
 * Paths of units as changes name them: those in the directory as they are now, those that are gone where they were
 * last, those that a dry run plans where it plans them.
 */
export async function pastUnitPaths(
  executor: Executor,
  tenantId: string,
  ids: readonly string[],
): Promise<UnitPaths> {
  const found = new Map<string, string>();
  const gone = new Map<string, PastUnit>();
  let asked = [...new Set(ids)];
  for (let level = 0; asked.length > 0 && level < deepest; level += 1) {
    const current = await unitPaths(executor, tenantId, asked);
    for (const id of asked) {
      const path = current(id);
      if (path !== undefined) found.set(id, path);
    }
    const lost = asked.filter((id) => !found.has(id));
    const units = await selectPastUnits(executor, tenantId, lost);
    for (const unit of units) gone.set(unit.id, unit);
    const parents = units.map(({ parentId }) => parentId ?? '').filter((id) => id !== '');
    asked = [...new Set(parents)].filter((id) => !found.has(id) && !gone.has(id));
  }
  const pathOf: UnitPaths = (id) => pathIn(id, 0);
  function pathIn(id: string | null, level: number): string | undefined {
    if (id === null || id === '') return '/';
    const unit = gone.get(id);
    if (found.has(id) || unit === undefined) return found.get(id);
    if (unit.parentId === null || level > deepest) return renderPath([unit.name]);
    return objectPath((parent) => pathIn(parent, level + 1), unit.parentId, unit.name);
  }
  return pathOf;
}
