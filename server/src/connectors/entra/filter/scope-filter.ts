import type { EntraKind, Selection } from '../select.ts';
import { type Condition, parseCondition, propertiesOf } from './filter.ts';

/** Conditions by kind; a kind without one is not filtered. */
export type ScopeFilter = { readonly [Kind in EntraKind]?: Condition };

const prefix = /^\s*(users|groups)\s*:/i;

/** Cuts at semicolons that stand outside of quotes. */
function parts(text: string): string[] {
  return text.match(/(?:'[^']*'|[^;'])+|'/g) ?? [];
}

/**
 * `users: <condition>; groups: <condition>`, either alone, or a condition without a prefix, which is for users: all
 * groups stay.
 * @throws LockstepError InvalidFilter
 */
export function parseScopeFilter(text: string): ScopeFilter {
  const filter: { [Kind in EntraKind]?: Condition } = {};
  for (const part of parts(text)) {
    const named = prefix.exec(part);
    const kind: EntraKind = named?.[1]?.toLowerCase() === 'groups' ? 'group' : 'user';
    filter[kind] = parseCondition(named === null ? part : part.slice(named[0].length));
  }
  if (filter.user === undefined && filter.group === undefined) parseCondition(text);
  return filter;
}

/** The properties that a filter looks at, to be read as well. */
export function filterSelection(filter: ScopeFilter): Selection {
  const names = (kind: EntraKind): string[] =>
    filter[kind] === undefined ? [] : propertiesOf(filter[kind]).map((path) => path.split('.')[0] ?? path);
  return { user: names('user'), group: names('group') };
}
