import { sql, type RawBuilder } from 'kysely';
import type { ResolvedFilter, ResolvedPath } from '../../scim/filter/resolved.ts';
import { prepared } from '../prepared.ts';
import type { Executor } from '../store.ts';
import { compileScimFilter } from './scim-filter.ts';
import { relatedOf } from './scim-members.ts';
import { isRecord, isThere, type ScimKind, type ScimRecord, type ScimRecordKey } from './scim-record.ts';
import { severalValues, singleValue, type ScimScope, type SqlValue } from './scim-values.ts';

/** Which resources of a connection are listed, and in which order; without a sort by id, the order of their making. */
export interface ScimListing {
  readonly scope: ScimScope;
  readonly filter: ResolvedFilter | undefined;
  readonly sort: { readonly path: ResolvedPath; readonly descending: boolean } | undefined;
}

/** The place of a record in a list. */
export interface ScimPlace {
  readonly id: string;
  /** What a sorted list has it there for; null: it has no value, or the list is not sorted. */
  readonly sortKey: string | null;
}

/** Where a page begins: behind a record, or after so many resources. */
export type ScimListPage = { readonly limit: number } & (
  { readonly after: ScimPlace } | { readonly offset: number }
);

export interface ListedScimRecord extends ScimRecord {
  readonly sortKey: string | null;
}

/** Characters of a text that count for its place: a cursor has them in it. */
const sortedCharacters = 500;

function sortsByText({ attribute, subAttribute }: ResolvedPath): boolean {
  const { type } = subAttribute ?? attribute;
  return type !== 'integer' && type !== 'decimal' && type !== 'boolean';
}

function keyOf({ text, json }: SqlValue, byText: boolean): RawBuilder<unknown> {
  return byText ? sql`left(${text}, ${sql.lit(sortedCharacters)}) collate "C"` : json;
}

/** What a resource is sorted by: of several values the primary, else the first (RFC 7644 section 3.4.2.3). */
function sortKey(scope: ScimScope, path: ResolvedPath): RawBuilder<unknown> {
  const byText = sortsByText(path);
  if (!path.attribute.multiValued) return keyOf(singleValue(scope, path), byText);
  const values = severalValues(scope, path);
  const primary = path.attribute.subAttributes?.some(({ name }) => name === 'primary')
    ? sql`(${values.value('primary').json} = 'true') desc nulls last,`
    : sql``;
  return sql`(select ${keyOf(values.value(path.subAttribute?.name), byText)} from ${values.from} where ${values.where} order by ${primary} ${values.position} limit 1)`;
}

function condition({ scope, filter }: ScimListing): RawBuilder<unknown> {
  const records = isRecord(scope.connectionSerial, scope.kind);
  return filter === undefined ? records : sql`${records} and ${compileScimFilter(filter, scope)}`;
}

/** Resources without a value of the sort attribute come last, descending first (RFC 7644 section 3.4.2.3). */
function order({ sort }: ScimListing): RawBuilder<unknown> {
  if (sort === undefined) return sql`r.external_id`;
  return sql`r.sort_key ${sort.descending ? sql`desc nulls first` : sql`asc nulls last`}, r.external_id`;
}

/** What comes behind a place, in the order above: so that whatever comes or goes before it moves nothing. */
function isBehind({ sort }: ScimListing, { id, sortKey: key }: ScimPlace): RawBuilder<unknown> {
  const behindId = sql`r.external_id > ${id}`;
  if (sort === undefined) return behindId;
  const { descending, path } = sort;
  if (key === null)
    return sql`(r.sort_key is null and ${behindId}${descending ? sql` or r.sort_key is not null` : sql``})`;
  const value = sortsByText(path) ? sql`${key}::text` : sql`${key}::jsonb`;
  const further = descending
    ? sql`r.sort_key < ${value}`
    : sql`(r.sort_key > ${value} or r.sort_key is null)`;
  return sql`(${further} or (r.sort_key = ${value} and ${behindId}))`;
}

function recordColumns(kind: ScimKind, withRelated: boolean): RawBuilder<unknown> {
  return sql`r.external_id as id, r.attributes, r.revision, r.created_at as "createdAt", r.modified_at as "modifiedAt"
    ${withRelated ? sql`, ${relatedOf(kind)} as related` : sql``}`;
}

/**
 * The records with these ids that are there; each is looked up by key.
 * @param withRelated with the members of a group, or the groups of a user
 */
export async function findScimRecords(
  executor: Executor,
  { connectionSerial, kind }: Omit<ScimRecordKey, 'id'>,
  ids: readonly string[],
  withRelated: boolean,
): Promise<ScimRecord[]> {
  // In a query of its own the list does not show how long it is: else a plan for just so many were made each time.
  const { rows } = await sql<ScimRecord>`${prepared}
    select ${recordColumns(kind, withRelated)} from unnest((select ${[...ids]}::text[])) as n (id) cross join lateral (
      select r.* from replica_record r
      where r.connection_serial = ${connectionSerial} and r.kind = ${kind} and r.external_id = n.id and ${isThere('r')}
      limit 1) r`.execute(executor);
  return rows;
}

export async function findScimRecord(
  executor: Executor,
  key: ScimRecordKey,
  withRelated: boolean,
): Promise<ScimRecord | undefined> {
  const [record] = await findScimRecords(executor, key, [key.id], withRelated);
  return record;
}

/** @param withRelated as for `findScimRecords` */
export async function selectScimRecords(
  executor: Executor,
  listing: ScimListing,
  page: ScimListPage,
  withRelated: boolean,
): Promise<ListedScimRecord[]> {
  const { scope, sort } = listing;
  const key = sort === undefined ? sql`null::text` : sortKey(scope, sort.path);
  const behind = 'after' in page ? sql`where ${isBehind(listing, page.after)}` : sql``;
  const offset = 'offset' in page ? page.offset : 0;
  // The page first: else memberships were looked up for all the records before it.
  const { rows } = await sql<ListedScimRecord>`${prepared}
    select ${recordColumns(scope.kind, withRelated)}, r.sort_key::text as "sortKey" from (
      select * from (select r.*, ${key} as sort_key from replica_record r where ${condition(listing)}) r ${behind}
      order by ${order(listing)} limit ${page.limit} offset ${offset}) r
    order by ${order(listing)}`.execute(executor);
  return rows;
}

export async function countScimRecords(executor: Executor, listing: ScimListing): Promise<number> {
  const { rows } = await sql<{ total: number }>`
    select count(*) as total from replica_record r where ${condition(listing)}`.execute(executor);
  return rows[0]?.total ?? 0;
}
