import { sql, type RawBuilder } from 'kysely';
import type { CompareOperator } from '../../scim/filter/ast.ts';
import type { ResolvedFilter, ResolvedPath } from '../../scim/filter/resolved.ts';
import { foldCase } from '../../scim/resource.ts';
import type { ScimAttribute } from '../../scim/schema/attribute.ts';
import {
  isRelation,
  metaValue,
  severalValues,
  singleValue,
  type ScimScope,
  type SqlValue,
} from './scim-values.ts';

type Condition = RawBuilder<boolean | null>;

const orders = { gt: sql`>`, ge: sql`>=`, lt: sql`<`, le: sql`<=` } as const;

/**
 * Compares with text that has a U+0000, which the database cannot hold and so no value has: for the order what stands
 * before it is as good.
 */
function compareUnstorable({ text }: SqlValue, operator: CompareOperator, wanted: string): Condition {
  const before = sql`${wanted.slice(0, wanted.indexOf('\u0000'))}::text`;
  if (operator === 'ne') return sql`case when ${text} is not null then true end`;
  if (operator === 'gt' || operator === 'ge') return sql`${text} collate "C" > ${before}`;
  if (operator === 'lt' || operator === 'le') return sql`${text} collate "C" <= ${before}`;
  return sql`false`;
}

/** Compares text by code points, as `collate "C"` does. */
function compareText({ text }: SqlValue, operator: CompareOperator, wanted: string): Condition {
  if (wanted.includes('\u0000')) return compareUnstorable({ text, json: text }, operator, wanted);
  const value = sql`${wanted}::text`;
  if (operator === 'eq') return sql`${text} = ${value}`;
  if (operator === 'ne') return sql`${text} <> ${value}`;
  if (operator === 'co') return sql`strpos(${text}, ${value}) > 0`;
  if (operator === 'sw') return sql`starts_with(${text}, ${value})`;
  if (operator === 'ew') return sql`right(${text}, length(${value})) = ${value}`;
  return sql`${text} collate "C" ${orders[operator]} ${value}`;
}

/** Booleans and numbers; a value of another type, left from a schema that was different, is not equal to any. */
function compareJson({ json }: SqlValue, operator: CompareOperator, wanted: number | boolean): Condition {
  const value = sql`${JSON.stringify(wanted)}::jsonb`;
  if (operator === 'eq') return sql`${json} = ${value}`;
  if (operator === 'ne') return sql`${json} <> ${value}`;
  const order = orders[operator as keyof typeof orders];
  if (order === undefined) return sql`false`;
  return sql`jsonb_typeof(${json}) = jsonb_typeof(${value}) and ${json} ${order} ${value}`;
}

function compareValue(
  value: SqlValue,
  operator: CompareOperator,
  wanted: string | number | boolean,
  compared: ScimAttribute,
): Condition {
  if (typeof wanted !== 'string') return compareJson(value, operator, wanted);
  const folded = compared.caseExact || compared.type === 'dateTime' ? wanted : foldCase(wanted);
  return compareText(value, operator, folded);
}

/** A value path's filter looks at the value at hand; elsewhere paths begin at the resource. */
type Locate = (path: ResolvedPath) => SqlValue;

function hasSeveral({ attribute }: ResolvedPath): boolean {
  return attribute.multiValued;
}

function compileCompare(
  filter: Extract<ResolvedFilter, { kind: 'compare' }>,
  scope: ScimScope,
  within: Locate | undefined,
): Condition {
  const { path, operator, value } = filter;
  const compared = path.subAttribute ?? path.attribute;
  if (within !== undefined || !hasSeveral(path)) {
    const single = within === undefined ? singleValue(scope, path) : within(path);
    const condition = compareValue(single, operator, value, compared);
    return operator === 'ne' ? sql`(${condition}) is not false` : condition;
  }
  const values = severalValues(scope, path);
  const one = values.value(path.subAttribute?.name);
  const any = sql<boolean>`exists (select from ${values.from} where ${values.where} and ${compareValue(one, operator, value, compared)})`;
  if (operator !== 'ne') return any;
  return sql`(${any} or not exists (select from ${values.from} where ${values.where} and ${one.text} is not null))`;
}

/** A value that is there and not empty; what counts as unassigned is not in the folded attributes at all. */
function hasText({ json }: SqlValue): Condition {
  return sql`${json} <> '""'`;
}

function compilePresent(path: ResolvedPath, scope: ScimScope, within: Locate | undefined): Condition {
  if (within !== undefined) return hasText(within(path));
  if (!hasSeveral(path)) {
    const isMeta = path.extension === undefined && path.attribute.name === 'meta';
    return isMeta && path.subAttribute === undefined ? sql`true` : hasText(singleValue(scope, path));
  }
  const values = severalValues(scope, path);
  const sub = path.subAttribute?.name;
  const relation = isRelation(scope, path.extension, path.attribute);
  const one = values.value(sub ?? (relation ? 'value' : undefined));
  return sql`exists (select from ${values.from} where ${values.where} and ${hasText(one)})`;
}

function compileValuePath(
  { path, filter }: Extract<ResolvedFilter, { kind: 'valuePath' }>,
  scope: ScimScope,
): Condition {
  const { extension, attribute } = path;
  if (extension === undefined && attribute.name === 'meta')
    return compile(filter, scope, (inner) => metaValue(scope, inner.attribute.name));
  if (extension === undefined && attribute.name === 'id')
    return compile(filter, scope, () => singleValue(scope, path));
  const values = severalValues(scope, path);
  const condition = compile(filter, scope, (inner) =>
    values.value(inner.subAttribute?.name ?? inner.attribute.name),
  );
  return sql`exists (select from ${values.from} where ${values.where} and ${condition})`;
}

function compile(filter: ResolvedFilter, scope: ScimScope, within: Locate | undefined): Condition {
  const { kind } = filter;
  if (kind === 'compare') return compileCompare(filter, scope, within);
  if (kind === 'present') return compilePresent(filter.path, scope, within);
  if (kind === 'valuePath') return compileValuePath(filter, scope);
  if (kind === 'constant') return filter.matches ? sql`true` : sql`false`;
  // Unknown stands for false, and what is not true is its opposite.
  if (kind === 'not') return sql`(${compile(filter.operand, scope, within)}) is not true`;
  const operands = filter.operands.map((operand) => compile(operand, scope, within));
  return sql`(${sql.join(operands, kind === 'and' ? sql` and ` : sql` or `)})`;
}

/**
 * A filter (RFC 7644 section 3.4.2.2) as an SQL condition over `replica_record r`, to stand behind `where`: unknown
 * means that it does not match. All values are bound. Equality of userName, displayName of groups, externalId and id
 * finds its index.
 */
export function compileScimFilter(filter: ResolvedFilter, scope: ScimScope): Condition {
  return compile(filter, scope, undefined);
}
