import { LockstepError } from '../../kernel/errors.ts';
import { renderAttributePath } from '../path/attribute-path.ts';
import { findResolvedPath } from '../path/resolve.ts';
import type { ScimProfile } from '../profile.ts';
import { findAttribute, type ScimAttribute } from '../schema/attribute.ts';
import { findScalar } from '../schema/coerce.ts';
import { findInstant } from '../schema/date-time.ts';
import type { ResourceModel } from '../schema/model.ts';
import type { AttributePath, CompareOperator, Filter, FilterValue } from './ast.ts';
import type { ResolvedFilter, ResolvedPath } from './resolved.ts';

export interface ResolveOptions {
  readonly profile: ScimProfile;
  /** What an attribute is that the model does not have: an error (unless told), or one without a value. */
  readonly unknown?: 'reject' | 'absent';
}

type Lookup = (path: AttributePath) => ResolvedPath | undefined;

/**
 * Checks names and values of a filter against a model.
 * @throws {LockstepError} InvalidFilter for unknown attributes, values of another type, and comparisons that the type
 * does not have (RFC 7644 section 3.4.2.2): order of booleans, parts of numbers.
 */
export function resolveFilter(filter: Filter, model: ResourceModel, options: ResolveOptions): ResolvedFilter {
  return resolve(filter, (path) => findResolvedPath(path, model), options);
}

/** The filter in the brackets behind an attribute: its names are sub-attributes. @throws {LockstepError} InvalidFilter */
export function resolveValueFilter(
  filter: Filter,
  attribute: ScimAttribute,
  options: ResolveOptions,
): ResolvedFilter {
  // A simple attribute has no sub-attributes; `value` means its value (RFC 7643 section 2.4).
  const subAttributes = attribute.subAttributes ?? [{ ...attribute, name: 'value', multiValued: false }];
  const lookup: Lookup = ({ schema, name, subAttribute }) => {
    const found =
      schema === undefined && subAttribute === undefined ? findAttribute(subAttributes, name) : undefined;
    return found && { extension: undefined, attribute: found, subAttribute: undefined };
  };
  return resolve(filter, lookup, options);
}

function resolve(filter: Filter, lookup: Lookup, options: ResolveOptions): ResolvedFilter {
  if ('operands' in filter) {
    return { kind: filter.kind, operands: filter.operands.map((each) => resolve(each, lookup, options)) };
  }
  if (filter.kind === 'not') return { kind: 'not', operand: resolve(filter.operand, lookup, options) };
  const path = lookup(filter.path);
  if (path === undefined) return resolveUnknown(filter, options);
  if (filter.kind === 'present') return { kind: 'present', path };
  if (filter.kind === 'compare') return resolveComparison(path, filter.operator, filter.value, options);
  if (path.subAttribute !== undefined)
    throw fault(`"${renderAttributePath(filter.path)}" takes no brackets.`);
  return { kind: 'valuePath', path, filter: resolveValueFilter(filter.filter, path.attribute, options) };
}

function resolveUnknown(
  filter: Extract<Filter, { kind: 'present' | 'compare' | 'valuePath' }>,
  { unknown }: ResolveOptions,
): ResolvedFilter {
  if (unknown !== 'absent') throw fault(`There is no attribute "${renderAttributePath(filter.path)}".`);
  if (filter.kind !== 'compare') return { kind: 'constant', matches: false };
  return { kind: 'constant', matches: (filter.operator === 'ne') !== (filter.value === null) };
}

function resolveComparison(
  written: ResolvedPath,
  operator: CompareOperator,
  value: FilterValue,
  { profile }: ResolveOptions,
): ResolvedFilter {
  if (value === null) return resolveNull(written, operator);
  const path = withDefaultSubAttribute(written);
  const compared = path.subAttribute ?? path.attribute;
  const scalar = findScalar(compared, value, profile.textualValues);
  if (scalar === undefined) {
    throw fault(
      `"${compared.name}" is compared with ${JSON.stringify(value)}, which is no ${compared.type}.`,
    );
  }
  if (!operatorsOf(compared).includes(operator)) {
    throw fault(`"${operator}" does not apply to "${compared.name}" (${compared.type}).`);
  }
  const instant = compared.type === 'dateTime' ? findInstant(String(scalar)) : undefined;
  return {
    kind: 'compare',
    path,
    operator,
    value: instant === undefined ? scalar : new Date(instant).toISOString(),
  };
}

/** Null means unassigned (RFC 7643 section 2.5). */
function resolveNull(path: ResolvedPath, operator: CompareOperator): ResolvedFilter {
  const present: ResolvedFilter = { kind: 'present', path };
  if (operator === 'ne') return present;
  if (operator === 'eq') return { kind: 'not', operand: present };
  throw fault(`"${operator}" does not apply to null.`);
}

/** `emails co "x"` compares `emails.value` (RFC 7644 section 3.4.2.2). */
function withDefaultSubAttribute(path: ResolvedPath): ResolvedPath {
  if ((path.subAttribute ?? path.attribute).type !== 'complex') return path;
  const value = path.subAttribute ? undefined : findAttribute(path.attribute.subAttributes, 'value');
  if (value === undefined)
    throw fault(`"${path.attribute.name}" is complex: compare one of its sub-attributes.`);
  return { ...path, subAttribute: value };
}

const equality: readonly CompareOperator[] = ['eq', 'ne'];
const order: readonly CompareOperator[] = [...equality, 'gt', 'ge', 'lt', 'le'];
const text: readonly CompareOperator[] = [...order, 'co', 'sw', 'ew'];

function operatorsOf({ type }: ScimAttribute): readonly CompareOperator[] {
  if (type === 'boolean') return equality;
  if (type === 'binary') return [...equality, 'co', 'sw', 'ew'];
  return type === 'string' || type === 'reference' ? text : order;
}

function fault(message: string): LockstepError {
  return new LockstepError('InvalidFilter', message);
}
