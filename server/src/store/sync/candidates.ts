import { sql } from 'kysely';
import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { JsonAttributes } from '../../directory/attributes.ts';
import { referenceAttributes } from '../../directory/references.ts';
import type { ErrorCode } from '../../kernel/errors.ts';
import type { LinkData, NamedObjects } from '../../sync/planned-change.ts';
import { placeKey } from '../../sync/sync-store.ts';
import type {
  Absence,
  DirectoryState,
  EgressCandidate,
  IngressCandidate,
  MissingLink,
  OtherContribution,
  StagedObject,
  TargetPlace,
} from '../../sync/sync-store.ts';
import { keysetPages } from './keyset-pages.ts';
import { isPlainCreate } from './plan-creates.ts';
import { directoryTables, enabledColumn, isFree } from './staging-tables.ts';
import type { StagingContext } from './staging-tables.ts';

const pageSize = 2000;

/** Depth and id: where a page begins. */
type Place = readonly [number, string];

interface StagedRow {
  o_kind: ObjectKind | null;
  o_external_id: string;
  o_object_id: string | null;
  o_linked: boolean;
  o_reference: string | null;
  o_alias: string | null;
  o_location: string | null;
  o_scope: number;
  o_fingerprint: string | null;
  o_parents: string[];
  o_depth: number;
  o_label: string;
  o_name: string;
  o_name_key: string;
  o_enabled: boolean | null;
  o_attributes: JsonAttributes;
  o_named: NamedObjects | null;
  o_error_code: ErrorCode | null;
  o_error_message: string | null;
}

/** A directory object beside something else. */
export interface DirectoryRow {
  d_id: string | null;
  d_parent_id: string | null;
  d_name: string;
  d_enabled: boolean;
  d_attributes: JsonAttributes;
  d_revision: number;
}

const stagedColumns = sql.raw(
  [
    'kind',
    'external_id',
    'object_id',
    'linked',
    'reference',
    'alias',
    'location',
    'scope',
    'fingerprint',
    'parents',
    'depth',
    'label',
    'name',
    'name_key',
    'enabled',
    'attributes',
    'named',
    'error_code',
    'error_message',
  ]
    .map((column) => `o.${column} as o_${column}`)
    .join(', '),
);

export function directoryColumns(kind: ObjectKind) {
  const { name } = directoryTables[kind];
  return sql`d.id as d_id, d.parent_id as d_parent_id, d.${name} as d_name, ${enabledColumn(kind, 'd')} as d_enabled,
    d.attributes as d_attributes, d.revision as d_revision`;
}

function stagedOf(row: StagedRow): StagedObject {
  return {
    kind: row.o_kind as ObjectKind,
    externalId: row.o_external_id,
    objectId: row.o_object_id ?? '',
    linked: row.o_linked,
    link: {
      reference: row.o_reference,
      alias: row.o_alias,
      location: row.o_location,
      scope: row.o_scope,
      fingerprint: row.o_fingerprint === null ? null : row.o_fingerprint.replaceAll('-', ''),
      named: row.o_named,
    },
    parents: row.o_parents,
    label: row.o_label,
    name: row.o_name,
    nameKey: row.o_name_key,
    enabled: row.o_enabled,
    attributes: row.o_attributes,
    matchValues: [],
    keys: null,
    members: null,
    memberChanges: null,
    error: row.o_error_code === null ? null : { code: row.o_error_code, message: row.o_error_message ?? '' },
  };
}

export function directoryOf(row: DirectoryRow): DirectoryState | null {
  if (row.d_id === null) return null;
  return {
    parentId: row.d_parent_id,
    name: row.d_name,
    enabled: row.d_enabled,
    attributes: row.d_attributes,
    revision: row.d_revision,
  };
}

/** A link beside something else. */
export interface LinkRow {
  l_external_id: string | null;
  l_reference: string | null;
  l_alias: string | null;
  l_location: string | null;
  l_scope: number;
}

export const linkColumns = sql`l.external_id as l_external_id, l.reference as l_reference, l.alias as l_alias,
  l.location as l_location, l.scope as l_scope`;

/** What it keeps of the connected system's object, to be looked at again; null: there is none. */
export function linkOf(row: LinkRow): (LinkData & { readonly externalId: string }) | null {
  if (row.l_external_id === null) return null;
  return {
    externalId: row.l_external_id,
    reference: row.l_reference,
    alias: row.l_alias,
    location: row.l_location,
    scope: row.l_scope,
    fingerprint: null,
  };
}

function conflictOf(row: { conflict_code: ErrorCode | null; conflict_message: string | null }) {
  return row.conflict_code === null ? null : { code: row.conflict_code, message: row.conflict_message ?? '' };
}

/** Other live ingress links of an object, with what their syncs say of it. */
export function othersColumn(
  { sync }: { readonly sync: Pick<StagingContext['sync'], 'serial'> },
  objectId: string,
) {
  return sql`(
    select jsonb_agg(jsonb_build_object('syncSerial', x.sync_serial, 'contribution', x.contribution))
    from link x join sync s on s.serial = x.sync_serial
    where x.object_id = ${sql.raw(objectId)} and x.sync_serial <> ${sync.serial} and x.state = 'live' and s.direction = 'ingress')`;
}

/** Cuts a page where the depth changes: the objects of one depth settle before those below them are looked at. */
function* byDepth<Row>(
  kind: ObjectKind,
  rows: readonly Row[],
  depthOf: (row: Row) => number,
): Generator<Row[]> {
  if (kind !== 'organizationalUnit') {
    yield [...rows];
    return;
  }
  let part: Row[] = [];
  for (const row of rows) {
    const first = part[0];
    if (first !== undefined && depthOf(first) !== depthOf(row)) {
      yield part;
      part = [];
    }
    part.push(row);
  }
  if (part.length > 0) yield part;
}

/** Staged objects with the directory's side, parents first; without those that are planned as plain creations. */
export async function* ingressCandidates(
  context: StagingContext,
  kind: ObjectKind,
): AsyncGenerator<IngressCandidate[]> {
  const { store, sync, table } = context;
  type Row = StagedRow &
    DirectoryRow & {
      conflict_code: ErrorCode | null;
      conflict_message: string | null;
      matched_by: number | null;
      link_state: 'live' | 'missing' | null;
      own_contribution: JsonAttributes | null;
      others: OtherContribution[] | null;
    };
  const load = async ([depth, after]: Place): Promise<Row[]> => {
    const { rows } = await sql<Row>`
      select ${stagedColumns}, ${directoryColumns(kind)}, o.conflict_code, o.conflict_message, o.matched_by,
        l.state as link_state, l.contribution as own_contribution,
        case when d.id is not null then ${othersColumn(context, 'o.object_id')} end as others
      from (
        select * from ${table('object')}
        where kind = ${kind} and (depth, external_id) > (${depth}, ${after}) and not ${isPlainCreate}
        order by depth, external_id limit ${pageSize}
      ) o
      left join link l on o.linked and l.sync_serial = ${sync.serial} and l.kind = ${kind} and l.external_id = o.external_id
      left join ${directoryTables[kind].table} d on (o.linked or o.matched_by is not null) and d.id = o.object_id
      order by o.depth, o.external_id`.execute(store.db);
    return rows;
  };
  const keyOf = (row: Row): Place => [row.o_depth, row.o_external_id];
  for await (const rows of keysetPages([-1, ''], keyOf, load, kind !== 'organizationalUnit')) {
    for (const part of byDepth(kind, rows, (row) => row.o_depth)) {
      yield part.map((row) => ({
        staged: stagedOf(row),
        depth: row.o_depth,
        linkState: row.link_state,
        matchedBy: row.matched_by,
        conflict: conflictOf(row),
        directory: directoryOf(row),
        others: row.others ?? [],
        ownContribution: row.own_contribution,
      }));
    }
  }
}

/**
 * What the objects in scope that an object names go by in the target, as it was read, by id; null for those that are not
 * there yet, or not any more. `offset 0` keeps each of them looked up by itself: the planner expects a hundred names in
 * any list, and read all that is staged for each object.
 */
export function knownReferences(
  { sync, table }: { readonly sync: Pick<StagingContext['sync'], 'serial'> } & Pick<StagingContext, 'table'>,
  kind: ObjectKind,
) {
  const names = referenceAttributes[kind];
  if (names.length === 0) return sql`null::jsonb`;
  const lists = names.map((name) => sql`coalesce(d.attributes -> ${sql.lit(name)}, '[]'::jsonb)`);
  const namesAny = sql.join(
    names.map((name) => sql`d.attributes ? ${sql.lit(name)}`),
    sql` or `,
  );
  return sql`case when ${namesAny} then (
    select jsonb_object_agg(e.id, case when i.vanished is not true then coalesce(o.reference, x.reference) end)
    from jsonb_array_elements_text(${sql.join(lists, sql` || `)}) e (id)
    cross join lateral (
      select i.vanished, i.conflict_code from ${table('source')} i
      where i.object_id = e.id and i.kind in ('user', 'group') offset 0) i
    left join link x on x.sync_serial = ${sync.serial} and x.object_id = e.id and x.state = 'live' and x.reference is not null
    left join lateral (
      select o.reference from ${table('object')} o
      where o.object_id = x.object_id and o.linked and o.reference is not null offset 0) o on true
    where x.object_id is not null and not i.vanished or i.conflict_code is null) end`;
}

/** Whether the read brought entries of a kind that have to be looked at. */
async function broughtAny({ store, table }: StagingContext, kind: ObjectKind): Promise<boolean> {
  const { rows } = await sql<{ any: boolean }>`
    select exists (select from ${table('object')} where kind = ${kind}) as any`.execute(store.db);
  return rows[0]?.any === true;
}

/** Directory objects in scope that need a second look, parents first, with the target's entry where there is one. */
export async function* egressCandidates(
  context: StagingContext,
  kind: ObjectKind,
): AsyncGenerator<EgressCandidate[]> {
  const { store, sync, table } = context;
  type Row = StagedRow &
    DirectoryRow &
    LinkRow & {
      s_object_id: string;
      s_scope: number;
      s_depth: number;
      matched_by: number | null;
      conflict_code: ErrorCode | null;
      conflict_message: string | null;
      known: Record<string, string | null> | null;
    };
  // Of a new target nothing is asked for that it cannot have.
  const entry = (await broughtAny(context, kind))
    ? {
        columns: stagedColumns,
        join: sql`left join ${table('object')} o on o.kind = ${kind} and o.external_id = coalesce(s.matched_external_id, s.external_id)`,
      }
    : { columns: sql`null as o_kind`, join: sql`` };
  const load = async ([depth, after]: Place): Promise<Row[]> => {
    const { rows } = await sql<Row>`
      select ${knownReferences(context, kind)} as known, s.object_id as s_object_id, s.scope as s_scope, s.depth as s_depth, s.matched_by, s.conflict_code, s.conflict_message,
        ${linkColumns}, ${entry.columns}, ${directoryColumns(kind)}
      from (
        select * from ${table('source')} where kind = ${kind} and needs and (depth, object_id) > (${depth}, ${after})
        order by depth, object_id limit ${pageSize}
      ) s
      left join ${directoryTables[kind].table} d on d.id = s.object_id
      left join link l on l.sync_serial = ${sync.serial} and l.object_id = s.object_id and not s.vanished
      ${entry.join}
      order by s.depth, s.object_id`.execute(store.db);
    return rows;
  };
  const keyOf = (row: Row): Place => [row.s_depth, row.s_object_id];
  for await (const page of keysetPages([-2, ''], keyOf, load, kind !== 'organizationalUnit')) {
    // One that was deleted since the scope was staged is the next run's.
    const rows = page.filter((row) => row.d_id !== null);
    for (const part of byDepth(kind, rows, (row) => row.s_depth)) {
      yield part.map((row) => ({
        kind,
        objectId: row.s_object_id,
        scope: row.s_scope,
        depth: row.s_depth,
        directory: directoryOf(row) as DirectoryState,
        link: linkOf(row),
        staged: row.o_kind === null ? null : stagedOf(row),
        matchedBy: row.matched_by,
        conflict: conflictOf(row),
        references: row.known ?? {},
      }));
    }
  }
}

/** Kinds of which the read brought entries that no link ties to an object. */
export async function unlinkedKinds({ store, table }: StagingContext): Promise<ReadonlySet<ObjectKind>> {
  const { rows } = await sql<{ kind: ObjectKind }>`
    select k.kind from unnest(${[...objectKinds]}::text[]) as k (kind)
    where exists (select 1 from ${table('object')} o where o.kind = k.kind and not o.linked)`.execute(
    store.db,
  );
  return new Set(rows.map(({ kind }) => kind));
}

/** Directory objects in scope that no link ties yet, or whose entry has vanished: it may have been made anew. */
export async function* unlinkedSources(
  { store, table }: StagingContext,
  kind: ObjectKind,
): AsyncGenerator<{ objectId: string; directory: DirectoryState }[]> {
  let after = '';
  for (;;) {
    const { rows } = await sql<DirectoryRow & { d_id: string }>`
      select ${directoryColumns(kind)} from (
        select object_id from ${table('source')} where kind = ${kind} and (external_id is null or vanished) and object_id > ${after}
        order by object_id limit ${pageSize}
      ) s join ${directoryTables[kind].table} d on d.id = s.object_id order by d.id`.execute(store.db);
    const last = rows.at(-1);
    if (!last) return;
    after = last.d_id;
    yield rows.map((row) => ({ objectId: row.d_id, directory: directoryOf(row) as DirectoryState }));
  }
}

/** The links named as missing, deepest first, with both sides. */
export async function* missingLinks(
  context: StagingContext,
  kind: ObjectKind,
): AsyncGenerator<MissingLink[]> {
  const { store, sync, table } = context;
  type Row = StagedRow &
    DirectoryRow & {
      m_external_id: string;
      m_object_id: string;
      m_depth: number;
      l_reference: string | null;
      l_alias: string | null;
      l_location: string | null;
      l_scope: number;
      own_contribution: JsonAttributes | null;
      others: OtherContribution[] | null;
    };
  let depth = 1_000_000;
  let after = '';
  for (;;) {
    const { rows } = await sql<Row>`
      select m.external_id as m_external_id, m.object_id as m_object_id, m.depth as m_depth, l.reference as l_reference,
        l.alias as l_alias, l.location as l_location, l.scope as l_scope, l.contribution as own_contribution,
        ${othersColumn(context, 'm.object_id')} as others, ${stagedColumns}, ${directoryColumns(kind)}
      from (
        select * from ${table('missing')} where kind = ${kind} and (-depth, external_id) > (${-depth}, ${after})
        order by -depth, external_id limit ${pageSize}
      ) m
      join link l on l.sync_serial = ${sync.serial} and l.kind = ${kind} and l.external_id = m.external_id
      left join ${directoryTables[kind].table} d on d.id = m.object_id
      left join ${table('object')} o on o.kind = ${kind} and o.external_id = m.external_id
      order by -m.depth, m.external_id`.execute(store.db);
    const last = rows.at(-1);
    if (!last) return;
    depth = last.m_depth;
    after = last.m_external_id;
    yield rows.map((row) => {
      const directory = directoryOf(row);
      return {
        kind,
        externalId: row.m_external_id,
        objectId: row.m_object_id,
        label: directory?.name ?? row.l_location ?? row.m_external_id,
        depth: row.m_depth,
        link: {
          reference: row.l_reference,
          alias: row.l_alias,
          location: row.l_location,
          scope: row.l_scope,
          fingerprint: null,
        },
        directory,
        staged: row.o_kind === null ? null : stagedOf(row),
        others: row.others ?? [],
        ownContribution: row.own_contribution,
      };
    });
  }
}

/**
 * Directory ids of units by reference: staged ones first; an empty id for one that could not come to be. One that is
 * linked is there, whatever is wrong with its record now.
 */
export async function resolveUnits(
  { store, sync, table }: StagingContext,
  references: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await sql<{ reference: string; object_id: string }>`
    select 2 as rank, o.reference,
      case when o.linked or o.error_code is null and o.conflict_code is null then coalesce(o.object_id, '') else '' end as object_id
    from ${table('object')} o
    where o.kind = 'organizationalUnit' and o.reference = any (${references}::text[])
      and (${sync.direction === 'ingress'}::boolean or o.linked or o.settled)
    union all
    select case when l.state = 'live' then 1 else 0 end, l.reference, l.object_id from link l
    where l.sync_serial = ${sync.serial} and l.kind = 'organizationalUnit' and l.reference = any (${references}::text[])
      and not exists (
        select 1 from ${table('object')} o where o.kind = l.kind and o.external_id = l.external_id and o.reference is not null)
    order by rank`.execute(store.db);
  // The last one counts: of a name that went to another unit the one who has it now.
  return new Map(rows.map(({ reference, object_id }) => [reference, object_id]));
}

export async function referencesOfUnits(
  { store, sync, table }: StagingContext,
  ids: readonly string[],
): Promise<Map<string, string>> {
  const { rows } = await sql<{ object_id: string; reference: string }>`
    select l.object_id, l.reference from link l
    where l.sync_serial = ${sync.serial} and l.kind = 'organizationalUnit' and l.object_id = any (${ids}::text[]) and l.reference is not null
    union all
    select o.object_id, o.reference from ${table('object')} o
    where o.kind = 'organizationalUnit' and o.object_id = any (${ids}::text[]) and (o.linked or o.settled) and o.reference is not null`.execute(
    store.db,
  );
  return new Map(rows.map(({ object_id, reference }) => [object_id, reference]));
}

/** Directory objects without a live link of an ingress sync of this connection, by place. */
export async function findByPlace(
  context: StagingContext,
  kind: 'organizationalUnit' | 'group',
  places: readonly { parentId: string | null; nameKey: string }[],
  absence: Absence,
) {
  const { store, sync } = context;
  type Row = DirectoryRow & { d_id: string; name_key: string; others: OtherContribution[] | null };
  const { rows } = await sql<Row>`
    select ${directoryColumns(kind)}, d.name_key, ${othersColumn(context, 'd.id')} as others
    from unnest(${places.map(({ parentId }) => parentId ?? '')}::text[], ${places.map(({ nameKey }) => nameKey)}::text[]) as p (parent_key, name_key)
    join ${directoryTables[kind].table} d on d.tenant_id = ${sync.tenantId} and d.parent_key = p.parent_key and d.name_key = p.name_key
    where ${isFree(context, absence)}`.execute(store.db);
  return new Map(
    rows.map((row) => [
      placeKey(row.d_parent_id, row.name_key),
      { objectId: row.d_id, directory: directoryOf(row) as DirectoryState, others: row.others ?? [] },
    ]),
  );
}

export async function findStagedByPlace(
  { store, table }: StagingContext,
  kind: ObjectKind,
  places: readonly TargetPlace[],
): Promise<Map<number, StagedObject>> {
  const { rows } = await sql<StagedRow & { index: number }>`
    select ${stagedColumns}, p.number::int - 1 as index
    from unnest(${places.map(({ parentReference }) => parentReference)}::text[], ${places.map(({ node }) => node)}::int[],
      ${places.map(({ nameKey }) => nameKey)}::text[]) with ordinality as p (parent_reference, node, name_key, number)
    join ${table('object')} o on o.kind = ${kind} and o.parent_reference = p.parent_reference and o.name_key = p.name_key
      and (p.node is null or o.scope = p.node)
    where not o.linked and not o.settled and o.error_code is null`.execute(store.db);
  return new Map(rows.map((row) => [row.index, stagedOf(row)]));
}
