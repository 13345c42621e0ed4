import type { ScimMemberChange, ScimWrite } from '../../store/queries/scim-writes.ts';

/** What two changes come to for the members: whoever came and went again is not there. */
function mergeMembers(first: ScimMemberChange, next: ScimMemberChange): ScimMemberChange {
  if (next.added.length + next.removed.length === 0) return first;
  const added = new Set(first.added);
  const removed = new Set(first.removed);
  for (const id of next.removed) {
    added.delete(id);
    removed.add(id);
  }
  for (const id of next.added) {
    removed.delete(id);
    added.add(id);
  }
  return { added: [...added], removed: [...removed] };
}

/** Two writes of one record as one; undefined unless the second is made for what the first leaves. */
function mergeTwo(first: ScimWrite, next: ScimWrite): ScimWrite | undefined {
  const { expectedRevision, changes } = first;
  if (expectedRevision === 0 || next.expectedRevision !== expectedRevision + changes) return undefined;
  return {
    ...next,
    expectedRevision,
    changes: changes + next.changes,
    content: next.content ?? first.content,
    members: mergeMembers(first.members, next.members),
  };
}

/**
 * Takes writes together of which each record has one in the end.
 * @returns with how many of the writes these are: those before the first that must wait for another
 */
export function mergeWrites(writes: readonly ScimWrite[]): {
  readonly merged: readonly ScimWrite[];
  readonly count: number;
} {
  const byRecord = new Map<string, ScimWrite>();
  let count = 0;
  for (const write of writes) {
    const key = `${write.kind} ${write.id}`;
    const first = byRecord.get(key);
    const merged = first === undefined ? write : mergeTwo(first, write);
    if (merged === undefined) break;
    byRecord.set(key, merged);
    count += 1;
  }
  return { merged: [...byRecord.values()], count };
}
