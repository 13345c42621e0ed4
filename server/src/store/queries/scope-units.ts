import { sql, type Kysely } from 'kysely';
import type { SyncConfiguration } from '@lockstep/contract/configuration.ts';
import type { Database } from '../schema.ts';

type Executor = Kysely<Database>;

/** Ids of organizational units by the path under which a scope names them. */
export type ScopeUnits = ReadonlyMap<string, string>;

function rendered(units: ScopeUnits): string {
  return JSON.stringify({ scopeUnits: Object.fromEntries(units) });
}

/** Which units the scopes of a sync mean, where that was said by id. */
export async function findScopeUnits(executor: Executor, syncId: string): Promise<ScopeUnits> {
  const { rows } = await sql<{ units: Record<string, string> | null }>`
    select annotations -> 'scopeUnits' as units from sync where id = ${syncId}`.execute(executor);
  return new Map(Object.entries(rows[0]?.units ?? {}));
}

export async function updateScopeUnits(executor: Executor, syncId: string, units: ScopeUnits): Promise<void> {
  await sql`
    update sync set annotations = annotations || ${rendered(units)}::jsonb where id = ${syncId}`.execute(
    executor,
  );
}

/** Writes scopes that followed their units, unless the sync was changed since it was read. @returns whether it did. */
export async function moveScopes(
  executor: Executor,
  sync: { readonly id: string; readonly revision: number },
  settings: SyncConfiguration,
  units: ScopeUnits,
): Promise<boolean> {
  const { rows } = await sql`
    update sync
    set settings = ${JSON.stringify(settings)}::jsonb, annotations = annotations || ${rendered(units)}::jsonb,
      revision = revision + 1, updated_at = now()
    where id = ${sync.id} and revision = ${sync.revision} returning id`.execute(executor);
  return rows.length > 0;
}
