import { malformed } from '../graph-error.ts';
import type { DirectoryObject } from '../state/directory-object.ts';
import { valueOf } from './render.ts';

/**
 * `"displayName:An" OR "mail:an"`: each clause finds words that begin with its text, AND binds before OR.
 * @throws GraphError 400 for clauses that are not quoted.
 */
export function matchesSearch(object: DirectoryObject, text: string): boolean {
  return text
    .split(/\s+OR\s+/)
    .some((alternative) =>
      alternative.split(/\s+AND\s+/).every((clause) => matchesClause(object, clause.trim())),
    );
}

function matchesClause(object: DirectoryObject, clause: string): boolean {
  const match = /^"(\w+):(.*)"$/.exec(clause);
  if (!match) throw malformed(`Syntax error: character ':' is not valid at position 0 in '${clause}'.`);
  const value = valueOf(object, match[1] ?? '');
  const wanted = (match[2] ?? '').toLowerCase();
  if (typeof value !== 'string') return false;
  const words = value.toLowerCase();
  return words.startsWith(wanted) || words.split(/[\s.@_-]+/).some((word) => word.startsWith(wanted));
}
