import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import type { BatchAnswer } from './batch.ts';
import { isAlreadyThere, isNotThere } from './graph-error.ts';
import { failed, refused, succeeded } from './outcome.ts';
import { type Addressed, sendPatiently, type Writing } from './writing.ts';

interface Membership {
  readonly change: TargetChange;
  readonly groupId: string;
  readonly memberId: string;
}

function membershipOf(change: TargetChange): Membership {
  const { member, externalId } = change;
  return { change, groupId: externalId ?? '', memberId: member?.externalId ?? member?.reference ?? '' };
}

/** So many members fit into one PATCH of a group. */
export const membersAtOnce = 20;

function chunksByGroup(memberships: readonly Membership[]): Membership[][] {
  const chunks: Membership[][] = [];
  for (const ofGroup of Map.groupBy(memberships, ({ groupId }) => groupId).values()) {
    for (let start = 0; start < ofGroup.length; start += membersAtOnce)
      chunks.push(ofGroup.slice(start, start + membersAtOnce));
  }
  return chunks;
}

function bindItem({ graph }: Writing, chunk: readonly Membership[]): Addressed {
  const groupId = chunk[0]?.groupId ?? '';
  const bound = chunk.map(({ memberId }) => `${graph.baseUrl}/directoryObjects/${memberId}`);
  return {
    method: 'PATCH',
    url: `/groups/${groupId}`,
    body: { 'members@odata.bind': bound },
    needs: [groupId, ...chunk.map(({ memberId }) => memberId)],
  };
}

function singleItem({ graph }: Writing, { groupId, memberId }: Membership): Addressed {
  return {
    method: 'POST',
    url: `/groups/${groupId}/members/$ref`,
    body: { '@odata.id': `${graph.baseUrl}/directoryObjects/${memberId}` },
    needs: [groupId, memberId],
  };
}

/** Adds members twenty at a time; where one of them spoils a request, each of its members by itself. */
export async function addMembers(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const all = changes.map(membershipOf);
  const chunks = chunksByGroup(all.filter(({ memberId }) => memberId !== ''));
  const answers = await sendPatiently(
    writing,
    chunks.map((chunk) => bindItem(writing, chunk)),
  );
  const spoilt = chunks.filter((_, index) => answers[index]?.ok !== true).flat();
  const single = await sendPatiently(
    writing,
    spoilt.map((membership) => singleItem(writing, membership)),
  );
  const bySingle = new Map(spoilt.map((membership, index) => [membership, single[index] as BatchAnswer]));
  return all.map((membership) => addedOutcome(writing, membership, bySingle.get(membership)));
}

function addedOutcome(
  writing: Writing,
  membership: Membership,
  answer: BatchAnswer | undefined,
): TargetOutcome {
  const { change, groupId, memberId } = membership;
  if (memberId === '') return refused(change, 'ReferenceNotFound', 'the member is not in the tenant');
  if (answer !== undefined && !answer.ok && !isAlreadyThere(answer.fault))
    return failed(change, answer.fault, `adding ${memberId} to ${groupId}`);
  writing.note({ verb: 'addMember', groupId, memberId });
  return succeeded(change);
}

/** Removes members one request each; one that is no member needs no removal. */
export async function removeMembers(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const all = changes.map(membershipOf);
  const answers = await writing.sender.send(
    all.map(({ groupId, memberId }) => ({
      method: 'DELETE' as const,
      url: `/groups/${groupId}/members/${memberId}/$ref`,
    })),
    writing.signal,
  );
  return all.map(({ change, groupId, memberId }, index) => {
    const answer = answers[index] as BatchAnswer;
    if (!answer.ok && !isNotThere(answer.fault))
      return failed(change, answer.fault, `removing ${memberId} from ${groupId}`);
    writing.note({ verb: 'removeMember', groupId, memberId });
    return succeeded(change);
  });
}
