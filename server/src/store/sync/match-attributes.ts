import { sql } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { valueFromJson } from '../../directory/attributes.ts';
import type { JsonAttributes } from '../../directory/attributes.ts';
import { matchTexts } from '../../sync/match-key.ts';
import { behind } from '../queries/tenant-page.ts';
import type { Store } from '../store.ts';
import { directoryTables } from './staging-tables.ts';

/** Attributes that have columns of their own to be matched by. */
const ownColumns = new Set(['username', 'name', 'path']);

/**
 * Makes an attribute matchable: the values that the tenant's objects have by now are gathered once; from then on every
 * write of the directory keeps them up.
 */
export async function ensureMatchAttribute(
  store: Store,
  tenantId: string,
  kind: ObjectKind,
  attribute: string,
): Promise<void> {
  if (ownColumns.has(attribute)) return;
  const { rows: known } = await sql`
    select 1 from match_attribute where tenant_id = ${tenantId} and kind = ${kind} and attribute = ${attribute}`.execute(
    store.db,
  );
  if (known.length > 0) return;
  let after = '';
  for (;;) {
    const { rows } = await sql<{ id: string; attributes: JsonAttributes }>`
      select id, attributes from ${directoryTables[kind].table}
      where ${behind(tenantId, after)} order by tenant_id, id limit 2000`.execute(store.db);
    const last = rows.at(-1);
    if (!last) break;
    after = last.id;
    const pairs = rows.flatMap(({ id, attributes }) =>
      matchTexts((attributes[attribute] ?? []).map(valueFromJson)).map((value) => ({ id, value })),
    );
    await sql`
      insert into match_key (tenant_id, kind, attribute, value, object_id)
      select ${tenantId}, ${kind}, ${attribute}, p.value, p.id
      from unnest(${pairs.map(({ value }) => value)}::text[], ${pairs.map(({ id }) => id)}::text[]) as p (value, id)
      on conflict do nothing`.execute(store.db);
  }
  await sql`
    insert into match_attribute (tenant_id, kind, attribute) values (${tenantId}, ${kind}, ${attribute})
    on conflict do nothing`.execute(store.db);
}
