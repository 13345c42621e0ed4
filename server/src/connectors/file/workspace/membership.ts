import { firstText, type Attributes } from '../../../directory/attributes.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { TargetChange } from '../../../sync/connector.ts';
import { aliasOfUid } from '../ldif/record.ts';
import { findKey } from './rdn.ts';
import { getObject, type Scene, type Success } from './scene.ts';
import type { Entry } from './tree.ts';

type Member = NonNullable<TargetChange['member']>;

/** @throws LockstepError ReferenceNotFound when the member is not in the file. */
export function addMember(scene: Scene, change: TargetChange): Success {
  const group = getObject(scene, change);
  const member = demandMember(change);
  const entry = findMember(scene, member);
  if (entry === undefined) {
    throw new LockstepError(
      'ReferenceNotFound',
      `${member.location ?? member.externalId ?? 'the member'} is not in the file`,
    );
  }
  const done: Success = { ordinal: change.ordinal, ok: true };
  if (entry.id === group.id)
    throw new LockstepError('TargetRejected', 'a group cannot be a member of itself');
  const attribute = memberAttribute(scene, group.attributes);
  if (attribute === 'memberUid') {
    const uid = demandUid(entry);
    if (scene.members.find(group.id, null, aliasOfUid(uid)) === undefined) {
      scene.members.insert(group.id, { member: null, attribute, text: uid, reference: aliasOfUid(uid) });
    }
    return done;
  }
  // A member already is what was wanted, whether this job or somebody before it made it one.
  if (scene.members.find(group.id, entry.id, null) === undefined) {
    scene.members.insert(group.id, { member: entry.id, attribute, text: '', reference: '' });
  }
  return done;
}

/** One who is no member is what was wanted. */
export function removeMember(scene: Scene, change: TargetChange): Success {
  const group = getObject(scene, change);
  const member = demandMember(change);
  const entry = findMember(scene, member);
  const references = [member.reference, member.alias, entry === undefined ? null : aliasOf(entry)];
  for (const reference of references) {
    const row = scene.members.find(group.id, entry?.id ?? null, reference);
    if (row !== undefined) scene.members.delete(row);
  }
  return { ordinal: change.ordinal, ok: true };
}

function demandMember(change: TargetChange): Member {
  if (change.member !== undefined) return change.member;
  throw new LockstepError('Internal', 'a membership change without a member');
}

function findMember({ tree }: Scene, member: Member): Entry | undefined {
  if (member.externalId !== null) return tree.findByExternalId(member.externalId);
  const location = member.location ?? member.reference;
  return location === null ? undefined : tree.findByLocation(location);
}

/** The attribute that the group's class provides for members; the one of groupOfNames first. */
function memberAttribute({ tree }: Scene, attributes: Attributes): string {
  if (tree.format !== 'ldif') return 'members';
  const values = attributes[findKey(attributes, 'objectClass') ?? 'objectClass'] ?? [];
  const classes = new Set(values.map((value) => String(value).toLowerCase()));
  if (classes.has('groupofnames')) return 'member';
  if (classes.has('groupofuniquenames')) return 'uniqueMember';
  return classes.has('posixgroup') ? 'memberUid' : 'member';
}

function uidOf(entry: Entry): string | undefined {
  return firstText(entry.attributes, findKey(entry.attributes, 'uid') ?? 'uid');
}

function aliasOf(entry: Entry): string | null {
  const uid = entry.kind === 'user' ? uidOf(entry) : undefined;
  return uid === undefined ? null : aliasOfUid(uid);
}

function demandUid(entry: Entry): string {
  const uid = entry.kind === 'user' ? uidOf(entry) : undefined;
  if (uid !== undefined) return uid;
  throw new LockstepError(
    'TargetRejected',
    `${entry.name} has no uid, by which a posixGroup names its members`,
  );
}
