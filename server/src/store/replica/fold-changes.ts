import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { ReplicaChange } from '../../sync/replica.ts';

/** What a page comes to for one record. */
export interface RecordChange {
  readonly kind: ObjectKind;
  readonly externalId: string;
  readonly verb: 'merge' | 'replace' | 'remove';
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** What a page comes to for one member of a group. */
export interface MemberChange {
  readonly groupId: string;
  readonly memberId: string;
  readonly removed: boolean;
}

function foldRecord(earlier: RecordChange | undefined, change: RecordChange): RecordChange {
  if (earlier === undefined || change.verb !== 'merge') return change;
  // What was removed and comes back is made anew.
  if (earlier.verb === 'remove') return { ...change, verb: 'replace' };
  return { ...earlier, attributes: { ...earlier.attributes, ...change.attributes } };
}

/** Takes the changes of a page together, each record and each member once, as if they were applied in order. */
export function foldChanges(changes: readonly ReplicaChange[]): {
  readonly records: readonly RecordChange[];
  readonly members: readonly MemberChange[];
} {
  const records = new Map<string, RecordChange>();
  const members = new Map<string, MemberChange>();
  for (const change of changes) {
    if ('groupId' in change) {
      const { groupId, memberId } = change;
      members.set(`${groupId}\u0000${memberId}`, {
        groupId,
        memberId,
        removed: change.verb === 'removeMember',
      });
      continue;
    }
    const { kind, externalId } = change;
    const key = `${kind}\u0000${externalId}`;
    const attributes = change.verb === 'remove' ? {} : change.attributes;
    const next: RecordChange = { verb: change.verb, kind, externalId, attributes };
    records.set(key, foldRecord(records.get(key), next));
  }
  return { records: [...records.values()], members: [...members.values()] };
}
