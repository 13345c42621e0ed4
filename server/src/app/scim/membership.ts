import { LockstepError } from '../../kernel/errors.ts';
import { matchesFilter } from '../../scim/filter/matches.ts';
import type { MemberPatch } from '../../scim/patch/members.ts';
import {
  selectNamedMembers,
  selectScimMemberIds,
  selectScimMembers,
} from '../../store/queries/scim-members.ts';
import type { ScimMemberChange } from '../../store/queries/scim-writes.ts';
import type { Push } from './push.ts';

/** How many unknown ids an error names. */
const mostNamed = 5;

function checkKnown(unknown: readonly string[]): void {
  if (unknown.length === 0) return;
  const named = unknown.slice(0, mostNamed).map((id) => JSON.stringify(id));
  const more = unknown.length > mostNamed ? ` and ${unknown.length - mostNamed} more` : '';
  throw new LockstepError('InvalidValue', `There is no user or group with id ${named.join(', ')}${more}.`, {
    field: 'members',
  });
}

/**
 * What a list of ids comes to for a group: those that are not members yet. Takes time linear in the list.
 * @throws LockstepError InvalidValue for ids that nobody has, and for the group's own.
 */
export async function selectNewMembers(
  { app, connection }: Push,
  groupId: string,
  ids: readonly string[],
  ahead?: ReadonlyMap<string, boolean>,
): Promise<string[]> {
  if (ids.includes(groupId)) {
    throw new LockstepError('InvalidValue', 'A group cannot be a member of itself.', { field: 'members' });
  }
  const named = await selectNamedMembers(app.store.db, connection.serial, groupId, ids);
  checkKnown(named.filter(({ kind }) => kind === null).map(({ id }) => id));
  return named.filter(({ id, isMember }) => !(ahead?.get(id) ?? isMember)).map(({ id }) => id);
}

/** What makes these the group's only members. @throws LockstepError InvalidValue. */
export async function replaceMembers(
  push: Push,
  groupId: string,
  ids: readonly string[],
): Promise<ScimMemberChange> {
  const { app, connection } = push;
  const added = await selectNewMembers(push, groupId, ids);
  const wanted = new Set(ids);
  const current = await selectScimMemberIds(app.store.db, connection.serial, groupId);
  return { added, removed: current.filter((id) => !wanted.has(id)) };
}

async function selectMatching(
  { app, connection }: Push,
  groupId: string,
  { removedWhere }: MemberPatch,
): Promise<string[]> {
  if (removedWhere.length === 0) return [];
  const members = await selectScimMembers(app.store.db, connection.serial, [groupId]);
  return members
    .filter(({ id, kind, display }) => {
      const member = { value: id, type: kind === 'group' ? 'Group' : 'User', display };
      return removedWhere.some((filter) => matchesFilter(filter, member));
    })
    .map(({ id }) => id);
}

/** Whether it takes a look at all members of a group to know what a PATCH comes to. */
export function readsAllMembers({ replaced, removedWhere }: MemberPatch): boolean {
  return replaced || removedWhere.length > 0;
}

/**
 * What a PATCH comes to for a group's members. Takes time linear in what the PATCH names, not in the group, unless it
 * replaces all members or names them by a filter.
 * @param ahead of ids that are being written as members or as none: which
 * @throws LockstepError InvalidValue.
 */
export async function patchMembers(
  push: Push,
  groupId: string,
  patch: MemberPatch,
  ahead?: ReadonlyMap<string, boolean>,
): Promise<ScimMemberChange> {
  const { app, connection } = push;
  const wanted = [...new Set(patch.added.map(({ value }) => value))];
  if (patch.replaced) return replaceMembers(push, groupId, wanted);
  const added = await selectNewMembers(push, groupId, wanted, ahead);
  const named = await selectNamedMembers(app.store.db, connection.serial, groupId, [
    ...new Set(patch.removed),
  ]);
  const kept = new Set(wanted);
  const removed = named.filter(({ id, isMember }) => ahead?.get(id) ?? isMember).map(({ id }) => id);
  removed.push(...(await selectMatching(push, groupId, patch)));
  return { added, removed: [...new Set(removed)].filter((id) => !kept.has(id)) };
}
