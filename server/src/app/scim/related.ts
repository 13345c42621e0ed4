import { includesAttribute, type Projection } from '../../scim/projection.ts';
import { selectScimMembers } from '../../store/queries/scim-members.ts';
import type { ScimMember, ScimRecord } from '../../store/queries/scim-record.ts';
import { modelOf, type Push, type ScimTypeName } from './push.ts';

/**
 * Whether members or groups of resources are to be seen: they may be many, and are not loaded if nobody looks.
 * @param projection undefined: nobody wants to see the result
 */
export function showsRelated(push: Push, type: ScimTypeName, projection: Projection | undefined): boolean {
  if (projection === undefined) return false;
  return includesAttribute(projection, modelOf(push, type), type === 'Group' ? 'members' : 'groups');
}

/** Whether users are to be read with their groups. The members of groups are read when it is known which are shown. */
export function readsGroups(push: Push, type: ScimTypeName, projection: Projection | undefined): boolean {
  return type === 'User' && showsRelated(push, type, projection);
}

/** Groups with all their members; read now, in one query. */
export async function withMembers(
  { app, connection }: Push,
  records: readonly ScimRecord[],
): Promise<readonly ScimRecord[]> {
  const byGroup = new Map<string, ScimMember[]>(records.map(({ id }) => [id, []]));
  for (const { groupId, ...member } of await selectScimMembers(app.store.db, connection.serial, [
    ...byGroup.keys(),
  ]))
    byGroup.get(groupId)?.push(member);
  return records.map((record) => ({ ...record, related: byGroup.get(record.id) ?? null }));
}
