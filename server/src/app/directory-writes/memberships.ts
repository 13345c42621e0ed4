import { LockstepError } from '../../kernel/errors.ts';
import { touchObject } from '../../store/queries/directory-writes.ts';
import {
  deleteMemberships,
  insertMemberships,
  wouldHoldItself,
} from '../../store/queries/membership-writes.ts';
import type { Actor } from '../actor.ts';
import type { Application } from '../application.ts';
import {
  lockForWrite,
  requireObjects,
  writeDirectory,
  type DirectoryWrite,
  type Expectation,
} from './directory-write.ts';

/** Members of one kind, by id. */
export interface MemberSet {
  readonly kind: 'user' | 'group';
  readonly ids: readonly string[];
}

/** The group gets a new revision too, so that the syncs that feed it look at its members again. */
async function record(
  write: DirectoryWrite,
  groupId: string,
  verb: 'addMember' | 'removeMember',
  memberIds: readonly string[],
): Promise<void> {
  if (memberIds.length === 0) return;
  await touchObject(write.trx, 'group', groupId, write.revision);
  await write.log(
    ...memberIds.map((memberId) => ({ kind: 'membership', verb, objectId: groupId, memberId }) as const),
  );
}

async function refuseCycle(write: DirectoryWrite, groupId: string, members: MemberSet): Promise<void> {
  if (members.kind === 'user' || !(await wouldHoldItself(write.trx, groupId, members.ids))) return;
  throw new LockstepError('ParentCycle', 'a group cannot be a member of itself', { field: 'member' });
}

/** Adds members inside a transaction; see {@link addMembers}. @returns ids of those that were none before */
export async function putMembers(
  write: DirectoryWrite,
  groupId: string,
  members: MemberSet,
  expected?: Expectation,
): Promise<string[]> {
  await lockForWrite(write, 'group', groupId, expected);
  await requireObjects(write, members.kind, members.ids, 'member');
  await refuseCycle(write, groupId, members);
  const added = await insertMemberships(write.trx, write.tenantId, groupId, members, write.revision);
  await record(write, groupId, 'addMember', added);
  return added;
}

/** Removes members inside a transaction; see {@link removeMembers}. @returns ids of those that were members */
export async function takeMembers(
  write: DirectoryWrite,
  groupId: string,
  memberIds: readonly string[],
  expected?: Expectation,
): Promise<string[]> {
  await lockForWrite(write, 'group', groupId, expected);
  const removed = await deleteMemberships(write.trx, groupId, memberIds);
  await record(write, groupId, 'removeMember', removed);
  return removed;
}

/**
 * Makes users or groups members of a group; those that are stay.
 * @throws LockstepError NotFound; ParentCycle; Conflict for another revision of the group.
 */
export async function addMembers(
  app: Application,
  actor: Actor,
  groupId: string,
  members: MemberSet,
  expected?: Expectation,
): Promise<string[]> {
  return writeDirectory(app, actor, async (write) => putMembers(write, groupId, members, expected));
}

/** Takes members out of a group; those that are none are passed over. @throws LockstepError NotFound for the group. */
export async function removeMembers(
  app: Application,
  actor: Actor,
  groupId: string,
  memberIds: readonly string[],
  expected?: Expectation,
): Promise<string[]> {
  return writeDirectory(app, actor, async (write) => takeMembers(write, groupId, memberIds, expected));
}
