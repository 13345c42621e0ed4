import { sql, type RawBuilder } from 'kysely';
import type { CompareOperator } from '../../scim/filter/ast.ts';
import type { ResolvedFilter, ResolvedPath } from '../../scim/filter/resolved.ts';
import { foldCase } from '../../scim/resource.ts';
import type { ScimAttribute } from '../../scim/schema/attribute.ts';
import { isRelation, severalValues, singleValue, type ScimScope, type SqlValue } from './scim-values.ts';

type Condition = RawBuilder<boolean | null>;

const orders = { gt: sql`>`, ge: sql`>=`, lt: sql`<`, le: sql`<=` } as const;

/** Compares text by code points, as `collate "C"` does. */
function compareText({ text }: SqlValue, operator: CompareOperator, wanted: string): Condition {
  const value = sql`${wanted}::text`;
  switch (operator) {
    case 'eq':
      return sql`${text} = ${value}`;
    case 'ne':
      return sql`${text} <> ${value}`;
    case 'co':
      return sql`strpos(${text}, ${value}) > 0`;
    case 'sw':
      return sql`starts_with(${text}, ${value})`;
    case 'ew':
      return sql`right(${text}, length(${value})) = ${value}`;
    default:
      return sql`${text} collate "C" ${orders[operator]} ${value}`;
  }
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

function compilePresent(path: ResolvedPath, scope: ScimScope, within: Locate | undefined): Condition {
  if (within !== undefined) return sql`${within(path).json} is not null`;
  if (!hasSeveral(path)) {
    const isMeta = path.extension === undefined && path.attribute.name === 'meta';
    return isMeta && path.subAttribute === undefined
      ? sql`true`
      : sql`${singleValue(scope, path).json} is not null`;
  }
  const values = severalValues(scope, path);
  const sub = path.subAttribute?.name;
  const relation = isRelation(scope, path.extension, path.attribute);
  const one = values.value(sub ?? (relation ? 'value' : undefined));
  return sql`exists (select from ${values.from} where ${values.where} and ${one.json} is not null)`;
}

function compileValuePath(
  { path, filter }: Extract<ResolvedFilter, { kind: 'valuePath' }>,
  scope: ScimScope,
): Condition {
  const values = severalValues(scope, path);
  const condition = compile(filter, scope, (inner) =>
    values.value(inner.subAttribute?.name ?? inner.attribute.name),
  );
  return sql`exists (select from ${values.from} where ${values.where} and ${condition})`;
}

function compile(filter: ResolvedFilter, scope: ScimScope, within: Locate | undefined): Condition {
  switch (filter.kind) {
    case 'compare':
      return compileCompare(filter, scope, within);
    case 'present':
      return compilePresent(filter.path, scope, within);
    case 'and':
    case 'or': {
      const operands = filter.operands.map((operand) => compile(operand, scope, within));
      return sql`(${sql.join(operands, filter.kind === 'and' ? sql` and ` : sql` or `)})`;
    }
    // Unknown stands for false, and what is not true is its opposite.
    case 'not':
      return sql`(${compile(filter.operand, scope, within)}) is not true`;
    case 'valuePath':
      return compileValuePath(filter, scope);
    case 'constant':
      return filter.matches ? sql`true` : sql`false`;
  }
}

/**
 * A filter (RFC 7644 section 3.4.2.2) as an SQL condition over `replica_record r`, to stand behind `where`: unknown
 * means that it does not match. All values are bound. Equality of userName, displayName of groups, externalId and id
 * finds its index.
 */
export function compileScimFilter(filter: ResolvedFilter, scope: ScimScope): Condition {
  return compile(filter, scope, undefined);
}
