import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { isAlreadyThere } from './graph-error.ts';
import { collectionOf } from './object-writes.ts';
import { failed } from './outcome.ts';
import { parseNode } from './scopes.ts';
import type { EntraKind } from './select.ts';
import { type Addressed, sendPatiently, type Writing } from './writing.ts';

interface Made {
  readonly change: TargetChange;
  readonly id: string;
}

/** The request that makes a new object a member of the group or unit that its scope is; none where that is everything. */
function placingItem({ baseUrl }: Writing['graph'], { change, id }: Made): Addressed | undefined {
  const node = parseNode(change.parentLocation ?? '');
  if (node.of === 'tenant') return undefined;
  const place = node.of === 'group' ? '/groups' : '/directory/administrativeUnits';
  const body = { '@odata.id': `${baseUrl}/directoryObjects/${id}` };
  return { method: 'POST', url: `${place}/${node.id}/members/$ref`, body, needs: [id] };
}

/**
 * Puts new objects into the scopes that they were made for: the next read would not see them else, and they would be
 * made again. One that cannot be put there is taken back. Returns the outcomes of those.
 */
export async function placeInScopes(
  writing: Writing,
  made: readonly Made[],
): Promise<Map<number, TargetOutcome>> {
  const placed = made.flatMap((one) => {
    const item = placingItem(writing.graph, one);
    return item === undefined ? [] : [{ ...one, item }];
  });
  const answers = await sendPatiently(
    writing,
    placed.map(({ item }) => item),
  );
  const failures = new Map<number, TargetOutcome>();
  const rejected: Made[] = [];
  placed.forEach(({ change, id }, index) => {
    const answer = answers[index];
    const node = parseNode(change.parentLocation ?? '');
    if (answer?.ok === false && !isAlreadyThere(answer.fault)) {
      failures.set(change.ordinal, failed(change, answer.fault, `adding it to ${change.parentLocation}`));
      rejected.push({ change, id });
    } else if (node.of === 'group') writing.note({ verb: 'addMember', groupId: node.id, memberId: id });
  });
  await sendPatiently(
    writing,
    rejected.map(({ change, id }) => ({
      method: 'DELETE',
      url: `${collectionOf(change.kind)}/${id}`,
      needs: [id],
    })),
  );
  for (const { change, id } of rejected)
    writing.note({ verb: 'remove', kind: change.kind as EntraKind, externalId: id });
  return failures;
}
