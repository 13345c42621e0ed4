import { sql } from 'kysely';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../../directory/attributes.ts';
import type { NamedObjects } from '../../sync/planned-change.ts';
import type { DirectoryState, OtherContribution, Referrer } from '../../sync/sync-store.ts';
import { directoryColumns, directoryOf, othersColumn } from './candidates.ts';
import type { DirectoryRow } from './candidates.ts';
import { keysetPages } from './keyset-pages.ts';
import { indexStagingTable } from './staging-indexes.ts';
import { directoryTables } from './staging-tables.ts';
import type { StagingContext, StagingPlace } from './staging-tables.ts';

const pageSize = 2000;

/** The order in which they are looked at: without it all of them were sorted for each page. */
export async function indexReferrers(place: StagingPlace): Promise<void> {
  await indexStagingTable(place, 'named', '(kind, external_id, attribute) where not staged');
}

/** Records that did not change and that name another object than before, with the directory's side. */
export async function* referrers(
  context: Pick<StagingContext, 'store' | 'table'> & {
    readonly sync: Pick<StagingContext['sync'], 'serial'>;
  },
  kind: ObjectKind,
): AsyncGenerator<Referrer[]> {
  const { store, sync, table } = context;
  type Row = DirectoryRow & {
    external_id: string;
    named: NamedObjects;
    l_object_id: string;
    l_reference: string | null;
    l_alias: string | null;
    l_location: string | null;
    l_scope: number;
    l_fingerprint: string | null;
    l_revision: number;
    own_contribution: JsonAttributes | null;
    others: OtherContribution[] | null;
  };
  const load = async (after: string): Promise<Row[]> => {
    const { rows } = await sql<Row>`
      select n.external_id, n.named, l.object_id as l_object_id, l.reference as l_reference, l.alias as l_alias, l.location as l_location,
        l.scope as l_scope, l.fingerprint as l_fingerprint, l.object_revision as l_revision, l.contribution as own_contribution,
        ${othersColumn(context, 'l.object_id')} as others, ${directoryColumns(kind)}
      from (
        select a.external_id, jsonb_object_agg(a.attribute, a.pairs) as named
        from (
          select n.external_id, n.attribute, bool_or(n.object_id is distinct from n.known) as differs,
            jsonb_agg(jsonb_build_array(n.reference, n.object_id) order by n.position) as pairs
          from ${table('named')} n where not n.staged and n.kind = ${kind} and n.external_id > ${after}
          group by n.external_id, n.attribute
        ) a group by a.external_id having bool_or(a.differs) order by a.external_id limit ${pageSize}
      ) n
      join link l on l.sync_serial = ${sync.serial} and l.kind = ${kind} and l.external_id = n.external_id
      join ${directoryTables[kind].table} d on d.id = l.object_id
      order by n.external_id`.execute(store.db);
    return rows;
  };
  for await (const rows of keysetPages('', (row) => row.external_id, load, true)) {
    yield rows.map((row) => {
      const directory = directoryOf(row) as DirectoryState;
      // One that was changed by other hands stays to be looked at.
      const untouched = row.l_revision === directory.revision;
      return {
        kind,
        externalId: row.external_id,
        objectId: row.l_object_id,
        directory,
        link: {
          reference: row.l_reference,
          alias: row.l_alias,
          location: row.l_location,
          scope: row.l_scope,
          fingerprint: untouched ? (row.l_fingerprint?.replaceAll('-', '') ?? null) : null,
          named: row.named,
        },
        named: row.named,
        others: row.others ?? [],
        ownContribution: row.own_contribution,
      };
    });
  }
}
