import { sql, type RawBuilder } from 'kysely';
import type { ResolvedPath } from '../../scim/filter/resolved.ts';
import type { ScimAttribute } from '../../scim/schema/attribute.ts';

/** Which resources are looked at. In SQL `r` is their row of replica_record. */
export interface ScimScope {
  readonly connectionSerial: number;
  readonly kind: 'user' | 'group';
  /** Base address of the connection, `https://host/scim/v2/name`: references begin with it. */
  readonly baseUrl: string;
}

/** One value in SQL: as text, and as jsonb for booleans and numbers. Null: unassigned. */
export interface SqlValue {
  readonly text: RawBuilder<string | null>;
  readonly json: RawBuilder<unknown>;
}

/** The values of an attribute in SQL, one a row. */
export interface SqlValues {
  /** What stands behind `from`, with its own conditions behind `where` if it has some. */
  readonly from: RawBuilder<unknown>;
  readonly where: RawBuilder<unknown>;
  /** Sorts them as they are shown. */
  readonly position: RawBuilder<unknown>;
  /** A sub-attribute of the value at hand; undefined: the value itself. */
  value(sub: string | undefined): SqlValue;
}

function textOnly(text: RawBuilder<string | null>): SqlValue {
  return { text, json: sql`to_jsonb(${text})` };
}

function memberOf(object: RawBuilder<unknown>, name: string): SqlValue {
  // Written out and not bound: an index on the expression is found only so.
  const key = sql.lit(name);
  return { text: sql`(${object} ->> ${key})`, json: sql`(${object} -> ${key})` };
}

const utcText = (column: RawBuilder<unknown>) =>
  textOnly(sql`to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`);

const endpoints = { user: '/Users/', group: '/Groups/' } as const;
const typeNames = { user: 'User', group: 'Group' } as const;

/** Sub-attributes of `meta` (RFC 7643 section 3.1) from the columns that they come from, folded as the others are. */
export function metaValue({ kind, baseUrl }: ScimScope, name: string | undefined): SqlValue {
  if (name === 'created') return utcText(sql`r.created_at`);
  if (name === 'lastModified') return utcText(sql`r.modified_at`);
  if (name === 'version') return textOnly(sql`'W/"' || r.revision || '"'`);
  if (name === 'location') return textOnly(sql`${baseUrl + endpoints[kind]}::text || r.external_id`);
  return textOnly(sql`${typeNames[kind]}::text`);
}

/** The object that holds an attribute: the resource itself or one of its extensions. */
function holder(extension: string | undefined): RawBuilder<unknown> {
  return extension === undefined ? sql`r.folded` : sql`(r.folded -> ${sql.lit(extension)})`;
}

/** The value of an attribute that has one at most. */
export function singleValue(scope: ScimScope, path: ResolvedPath): SqlValue {
  const { extension, attribute, subAttribute } = path;
  if (extension === undefined && attribute.name === 'id') return textOnly(sql`r.external_id`);
  if (extension === undefined && attribute.name === 'meta') return metaValue(scope, subAttribute?.name);
  const value = memberOf(holder(extension), attribute.name);
  return subAttribute === undefined ? value : memberOf(value.json, subAttribute.name);
}

/** The other end of a membership, as the records of users and groups give it. */
function relatedValues(
  { baseUrl }: ScimScope,
  id: RawBuilder<string>,
  type: RawBuilder<string>,
  from: RawBuilder<unknown>,
  where: RawBuilder<unknown>,
): SqlValues {
  const values: Readonly<Record<string, RawBuilder<string | null>>> = {
    value: id,
    type,
    display: sql`coalesce(o.folded ->> 'displayName', o.folded ->> 'userName')`,
    $ref: sql`${baseUrl}::text || case o.kind when 'group' then '/Groups/' else '/Users/' end || o.external_id`,
  };
  return { from, where, position: id, value: (sub) => textOnly(values[sub ?? 'value'] ?? sql`null::text`) };
}

const members = (scope: ScimScope) =>
  relatedValues(
    scope,
    sql`m.member_id`,
    sql`o.kind`,
    sql`replica_member m join replica_record o
      on o.connection_serial = m.connection_serial and o.kind in ('user', 'group') and o.external_id = m.member_id and o.removed_at is null`,
    sql`m.connection_serial = r.connection_serial and m.group_id = r.external_id and not m.removed`,
  );

const groups = (scope: ScimScope) =>
  relatedValues(
    scope,
    sql`m.group_id`,
    sql`'direct'::text`,
    sql`replica_member m join replica_record o
      on o.connection_serial = m.connection_serial and o.kind = 'group' and o.external_id = m.group_id and o.removed_at is null`,
    sql`m.connection_serial = r.connection_serial and m.member_id = r.external_id and not m.removed`,
  );

/** Whether an attribute's values are rows of memberships instead of members of the JSON. */
export function isRelation(
  scope: ScimScope,
  extension: string | undefined,
  attribute: ScimAttribute,
): boolean {
  return extension === undefined && attribute.name === (scope.kind === 'group' ? 'members' : 'groups');
}

/** The values of an attribute that may have several, or of a complex one that has one. */
export function severalValues(scope: ScimScope, path: ResolvedPath): SqlValues {
  const { extension, attribute } = path;
  if (isRelation(scope, extension, attribute)) return scope.kind === 'group' ? members(scope) : groups(scope);
  const { json } = memberOf(holder(extension), attribute.name);
  const simple = attribute.subAttributes === undefined;
  const list = sql`case when ${json} is null then '[]' when jsonb_typeof(${json}) = 'array' then ${json} else jsonb_build_array(${json}) end`;
  return {
    from: sql`jsonb_array_elements(${list}) with ordinality as e (v, n)`,
    where: sql`true`,
    position: sql`e.n`,
    // A simple attribute's value is its own sub-attribute `value`.
    value: (sub) =>
      simple || sub === undefined ? { text: sql`(e.v #>> '{}')`, json: sql`e.v` } : memberOf(sql`e.v`, sub),
  };
}
