import { sql, type Kysely } from 'kysely';
import type { JsonAttributes } from '../../directory/attributes.ts';
import { withoutPseudoAttributes } from '../../sync/image.ts';
import { referencesAttribute } from '../../sync/references.ts';
import type { Database } from '../schema.ts';
import type { EgressLinkRow, LinkedKind } from './egress-links.ts';

type Executor = Kysely<Database>;

/** What is known of an object in a connected system, by the system's own names. */
export type TargetRecord = Readonly<Record<string, unknown>>;

interface Written {
  readonly verb: string;
  readonly after: JsonAttributes;
}

interface Row {
  readonly index: number;
  readonly read: TargetRecord | null;
  readonly written: readonly Written[] | null;
}

/** One value is shown by itself, several as a list; references name objects of the directory and are left out. */
function renderWritten(changes: readonly Written[]): TargetRecord {
  let merged: Record<string, unknown> = {};
  for (const { verb, after: image } of changes) {
    if (verb === 'create') merged = {};
    const references = new Set<unknown>(image[referencesAttribute] ?? []);
    for (const [name, values] of Object.entries(withoutPseudoAttributes(image))) {
      if (references.has(name)) continue;
      if (values.length === 0) delete merged[name];
      else merged[name] = values.length === 1 ? values[0] : values;
    }
  }
  return merged;
}

/**
 * The records of linked objects as they were last read, where a copy of the system is kept, with what was written since;
 * else what jobs wrote, as far back as the images of their changes are kept. In the order of the links.
 */
export async function selectTargetRecords(
  executor: Executor,
  kind: LinkedKind,
  links: readonly Pick<EgressLinkRow, 'syncSerial' | 'connectionSerial' | 'objectId' | 'externalId'>[],
): Promise<TargetRecord[]> {
  if (links.length === 0) return [];
  const { rows } = await sql<Row>`
    select l.index::int - 1 as index, r.attributes as read, w.changes as written
    from unnest(
      ${links.map(({ syncSerial }) => syncSerial)}::bigint[], ${links.map(({ connectionSerial }) => connectionSerial)}::bigint[],
      ${links.map(({ objectId }) => objectId)}::text[], ${links.map(({ externalId }) => externalId)}::text[]
    ) with ordinality as l (sync_serial, connection_serial, object_id, external_id, index)
    join sync s on s.serial = l.sync_serial
    left join replica_record r on r.connection_serial = l.connection_serial and r.kind = ${kind}
      and r.external_id = l.external_id and r.removed_at is null
    cross join lateral (
      select jsonb_agg(jsonb_build_object('verb', c.verb, 'after', c.after) order by c.job_serial, c.ordinal) as changes
      from change c join job j on j.serial = c.job_serial
      where c.object_id = l.object_id and c.kind = ${kind} and c.verb in ('create', 'update', 'move') and c.after is not null
        and c.result is null and c.ordinal <= j.applied_ordinal and j.sync_id = s.id and j.mode <> 'dryRun'
        and (r.modified_at is null or coalesce(j.ended_at, now()) > r.modified_at)
    ) w
    order by l.index`.execute(executor);
  const records: TargetRecord[] = links.map(() => ({}));
  for (const { index, read, written } of rows) records[index] = { ...read, ...renderWritten(written ?? []) };
  return records;
}
