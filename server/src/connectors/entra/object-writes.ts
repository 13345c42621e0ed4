import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import type { BatchAnswer, BatchItem } from './batch.ts';
import { isNotThere } from './graph-error.ts';
import { failed, succeeded } from './outcome.ts';
import { matchOnly } from './match-attributes.ts';
import { propertiesOf } from './properties.ts';
import type { EntraKind } from './select.ts';
import { type Addressed, sendPatiently, type Writing } from './writing.ts';

export const collectionOf = (kind: TargetChange['kind']): string => (kind === 'group' ? '/groups' : '/users');

/** The properties that a change sets; the manager is a reference and none of them. */
export function bodyOf(change: TargetChange): Record<string, unknown> {
  const entries = Object.entries(change.set).filter(
    ([name]) => name !== 'manager' && !matchOnly.includes(name),
  );
  return {
    ...propertiesOf(Object.fromEntries(entries)),
    ...(change.kind === 'user' && change.enabled !== undefined && { accountEnabled: change.enabled }),
  };
}

/** The request for the manager that a change sets, if it sets one. */
function managerItem({ baseUrl }: Writing['graph'], id: string, change: TargetChange): Addressed | undefined {
  const values = change.kind === 'user' ? change.set['manager'] : undefined;
  if (values === undefined) return undefined;
  const [manager] = values;
  const url = `/users/${id}/manager/$ref`;
  if (typeof manager !== 'string') return { method: 'DELETE', url, needs: [id] };
  const reference = `${baseUrl}/users/${encodeURIComponent(manager)}`;
  return { method: 'PUT', url, body: { '@odata.id': reference }, needs: [id, manager] };
}

/** Writes managers of objects that are there; outcomes of those that fail replace the earlier ones. */
export async function writeManagers(
  writing: Writing,
  written: readonly { readonly change: TargetChange; readonly id: string }[],
): Promise<Map<number, TargetOutcome>> {
  const asked = written.flatMap(({ change, id }) => {
    const item = managerItem(writing.graph, id, change);
    return item === undefined ? [] : [{ change, id, item }];
  });
  const answers = await sendPatiently(
    writing,
    asked.map(({ item }) => item),
  );
  const failures = new Map<number, TargetOutcome>();
  asked.forEach(({ change, id, item }, index) => {
    const answer = answers[index] as BatchAnswer;
    const isGone = item.method === 'DELETE' && !answer.ok && isNotThere(answer.fault);
    if (!answer.ok && !isGone) {
      failures.set(change.ordinal, failed(change, answer.fault, 'setting the manager'));
      return;
    }
    const [manager] = change.set['manager'] ?? [];
    writing.note({
      verb: 'merge',
      kind: 'user',
      externalId: id,
      attributes: { manager: typeof manager === 'string' ? manager : null },
    });
  });
  return failures;
}

/** Updates, renames, disables and enables: one PATCH for each. */
export async function writeUpdates(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const patches = changes.map((change) => ({ change, id: change.externalId ?? '', body: bodyOf(change) }));
  const sent = patches.filter(({ body }) => Object.keys(body).length > 0);
  const answers = await sendPatiently(
    writing,
    sent.map(({ change, id, body }) => ({
      method: 'PATCH' as const,
      url: `${collectionOf(change.kind)}/${id}`,
      body,
      needs: [id],
    })),
  );
  const outcomes = new Map<number, TargetOutcome>();
  sent.forEach(({ change, id, body }, index) => {
    const answer = answers[index] as BatchAnswer;
    if (!answer.ok) return outcomes.set(change.ordinal, failed(change, answer.fault, `updating ${id}`));
    writing.note({ verb: 'merge', kind: change.kind as EntraKind, externalId: id, attributes: body });
    return outcomes;
  });
  const standing = patches.filter(({ change }) => !outcomes.has(change.ordinal));
  const managers = await writeManagers(writing, standing);
  return changes.map(
    (change) =>
      managers.get(change.ordinal) ??
      outcomes.get(change.ordinal) ??
      succeeded(change, change.verb === 'move' ? (change.externalId ?? undefined) : undefined),
  );
}

/** Deletes as the connection says. What is not there needs no deletion. */
export async function writeDeletions(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const { deletion } = writing.settings;
  const items = changes.map(({ kind, externalId }): BatchItem | undefined => {
    const policy = (kind === 'group' ? deletion?.group : deletion?.user) ?? 'delete';
    const url = `${collectionOf(kind)}/${externalId ?? ''}`;
    if (policy === 'suspend') return { method: 'PATCH', url, body: { accountEnabled: false } };
    return policy === 'delete' ? { method: 'DELETE', url } : undefined;
  });
  const sent = items.filter((item) => item !== undefined);
  const answers = await writing.sender.send(sent, writing.signal);
  let position = 0;
  return changes.map((change, index) => {
    const item = items[index];
    if (item === undefined) return succeeded(change);
    const answer = answers[position] as BatchAnswer;
    position += 1;
    if (!answer.ok && !isNotThere(answer.fault))
      return failed(change, answer.fault, `deleting ${change.externalId}`);
    const [kind, externalId] = [change.kind as EntraKind, change.externalId ?? ''];
    if (item.method === 'PATCH' && answer.ok)
      writing.note({ verb: 'merge', kind, externalId, attributes: { accountEnabled: false } });
    else writing.note({ verb: 'remove', kind, externalId });
    return succeeded(change);
  });
}
