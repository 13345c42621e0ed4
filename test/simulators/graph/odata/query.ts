import { badRequest, malformed, unsupportedQuery } from '../graph-error.ts';
import type { ObjectType } from '../state/directory-object.ts';
import { findRule, navigations } from './properties.ts';

export interface Expansion {
  readonly name: string;
  readonly select: readonly string[] | undefined;
}

/** The query options of one request, checked for syntax and for names. */
export interface Query {
  readonly select: readonly string[] | undefined;
  readonly filter: string | undefined;
  readonly top: number | undefined;
  readonly count: boolean;
  readonly expand: readonly Expansion[];
  readonly search: string | undefined;
  readonly orderby: string | undefined;
  readonly skiptoken: string | undefined;
  readonly deltatoken: string | undefined;
  /** `ConsistencyLevel: eventual`. */
  readonly eventual: boolean;
}

const known = new Set(
  '$select $filter $top $count $expand $search $orderby $skiptoken $deltatoken $format'.split(' '),
);

/**
 * Parses query options; names are taken in any case, as in `$deltaToken`.
 * @throws GraphError 400 for unknown options and wrong values.
 */
export function parseQuery(parameters: URLSearchParams, headers: Readonly<Record<string, string>>): Query {
  const options = new Map<string, string>();
  for (const [name, value] of parameters) {
    const key = name.toLowerCase();
    if (!key.startsWith('$')) continue;
    if (key === '$skip') throw badRequest("'$skip' is not supported by the service.");
    if (!known.has(key)) throw malformed(`The query parameter '${name}' is not supported.`);
    if (options.has(key))
      throw malformed(
        `Query option '${name}' was specified more than once, but it must be specified at most once.`,
      );
    options.set(key, value);
  }
  return {
    select: parseNames(options.get('$select')),
    filter: options.get('$filter'),
    top: parseTop(options.get('$top')),
    count: parseCount(options.get('$count')),
    expand: parseExpand(options.get('$expand')),
    search: options.get('$search'),
    orderby: options.get('$orderby'),
    skiptoken: options.get('$skiptoken'),
    deltatoken: options.get('$deltatoken'),
    eventual: headers['consistencylevel']?.toLowerCase() === 'eventual',
  };
}

/** @throws GraphError 400 for a name that the type does not have. */
export function checkSelection(type: ObjectType, names: readonly string[], alsoNavigations = false): void {
  for (const name of names) {
    if (findRule(type, name) !== undefined || name === '*') continue;
    if (alsoNavigations && navigations[type].includes(name)) continue;
    throw malformed(
      `Parsing OData Select and Expand failed: Could not find a property named '${name}' on type 'microsoft.graph.${type}'.`,
    );
  }
}

function parseNames(text: string | undefined): readonly string[] | undefined {
  if (text === undefined) return undefined;
  return text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
}

function parseTop(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const top = Number(text);
  if (!Number.isInteger(top) || top < 1 || top > 999)
    throw badRequest(`Invalid page size specified: '${text}'. Must be between 1 and 999 inclusive.`);
  return top;
}

function parseCount(text: string | undefined): boolean {
  if (text === undefined || text === 'false') return false;
  if (text === 'true') return true;
  throw malformed(
    `Invalid value '${text}' for $count query option found. Valid values are 'true' or 'false'.`,
  );
}

function parseExpand(text: string | undefined): readonly Expansion[] {
  if (text === undefined || text === '') return [];
  return text.split(/,(?![^(]*\))/).map((part) => {
    const match = /^\s*(\w+)\s*(?:\(([^)]*)\))?\s*$/.exec(part);
    if (!match) throw malformed(`Parsing OData Select and Expand failed: '${part}' is not valid.`);
    const nested = (match[2] ?? '').split(';').filter((option) => option !== '');
    const select = nested.find((option) => option.startsWith('$select='))?.slice('$select='.length);
    if (nested.some((option) => !/^\$(select|levels)=/.test(option)))
      throw unsupportedQuery(`The query option in $expand=${part} is not supported.`);
    return { name: match[1] ?? '', select: parseNames(select) };
  });
}
