import type { AttributePath, Filter } from '../filter/ast.ts';
import { type FilterOptions, FilterParser } from '../filter/parse.ts';
import { renderFilter } from '../filter/render.ts';
import { filterFault, tokenize } from '../filter/tokens.ts';
import { findAttributePath, renderAttributePath } from './attribute-path.ts';

/** The path of a PATCH operation (RFC 7644 section 3.5.2, figure 7). */
export interface PatchPath {
  readonly path: AttributePath;
  /** Which values of the attribute are meant. */
  readonly filter?: Filter;
  /** Behind the brackets: `emails[type eq "work"].value`. */
  readonly subAttribute?: string;
}

/** @throws {LockstepError} InvalidPath with the place. */
export function parsePatchPath(text: string, options: FilterOptions = {}): PatchPath {
  const { maxLength = 4096 } = options;
  if (text.length > maxLength)
    throw filterFault('InvalidPath', `A path has ${maxLength} characters at most`, maxLength);
  const parser = new FilterParser(tokenize(text, 'InvalidPath'), 'InvalidPath', options);
  const word = parser.takeWord(() => true);
  const path = word === undefined ? undefined : findAttributePath(word);
  if (path === undefined) throw filterFault('InvalidPath', 'A path begins with the name of an attribute', 0);
  if (parser.current.kind !== '[') {
    parser.expect('end', 'Expected the end of the path');
    return path.subAttribute === undefined ? { path } : splitSubAttribute(path);
  }
  const filter = parser.parseBrackets();
  const suffix = parser.takeWord((word) => word.startsWith('.'))?.slice(1);
  const name = suffix === undefined ? undefined : findAttributePath(suffix);
  if (
    suffix !== undefined &&
    (name === undefined || name.schema !== undefined || name.subAttribute !== undefined)
  ) {
    throw parser.fault(`"${suffix}" is not a sub-attribute`);
  }
  parser.expect('end', 'Expected the end of the path');
  return { path, filter, ...(name === undefined ? {} : { subAttribute: name.name }) };
}

function splitSubAttribute({ subAttribute, ...path }: AttributePath): PatchPath {
  return { path, ...(subAttribute === undefined ? {} : { subAttribute }) };
}

/** The text of a path; parsing it gives the same path. */
export function renderPatchPath({ path, filter, subAttribute }: PatchPath): string {
  const brackets = filter === undefined ? '' : `[${renderFilter(filter)}]`;
  return `${renderAttributePath(path)}${brackets}${subAttribute === undefined ? '' : `.${subAttribute}`}`;
}
