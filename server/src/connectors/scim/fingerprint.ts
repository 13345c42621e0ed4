import { hash } from 'node:crypto';
import { foldCase, isJsonList, isJsonObject, type Json, type ScimResource } from '../../scim/resource.ts';

/**
 * 32 hexadecimal digits over what a resource says, whatever the order of its attributes and of its elements. `meta` is left out:
 * services touch it without a change. So are the groups of a user, which are told by the groups themselves.
 */
export function fingerprintOf(resource: ScimResource): string {
  const told = Object.entries(resource).filter(
    ([name]) => !['meta', 'groups', 'schemas'].includes(foldCase(name)),
  );
  return hash('sha256', canonical(Object.fromEntries(told)), 'hex').slice(0, 32);
}

function canonical(value: Json): string {
  if (isJsonList(value)) return `[${value.map(canonical).toSorted().join(',')}]`;
  if (!isJsonObject(value)) return JSON.stringify(value);
  const members = Object.keys(value)
    .toSorted()
    .map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`);
  return `{${members.join(',')}}`;
}
