import { LockstepError } from '../../kernel/errors.ts';
import { readAttribute, type ScimResource } from '../../scim/resource.ts';
import type { Completeness, ExternalObject, RawEntry, ReadRequest } from '../../sync/connector.ts';
import type { Replica, ReplicaEntry } from '../../sync/replica.ts';
import { nameAttributes } from './naming.ts';
import { parseNotation } from './notation.ts';
import { readActive, readFlat } from './resource-values.ts';

function decode(entry: ReplicaEntry, names: readonly string[]): ExternalObject {
  const kind = entry.kind === 'group' ? 'group' : 'user';
  const resource = entry.attributes as ScimResource;
  const name = readAttribute(resource, nameAttributes[kind]);
  if (typeof name !== 'string')
    throw new LockstepError(
      'InvalidRecord',
      `the ${kind} ${entry.externalId} has no ${nameAttributes[kind]}`,
    );
  return {
    reference: entry.externalId,
    location: entry.externalId,
    parents: [],
    name,
    attributes: readFlat(resource, names),
    ...(entry.members === undefined ? {} : { members: entry.members }),
    ...(entry.memberChanges === undefined ? {} : { memberChanges: entry.memberChanges }),
    ...(kind === 'user' ? { enabled: readActive(resource) } : {}),
  };
}

/** Streams the records that were pushed, or what changed of them since an earlier read; its position is a sequence number. */
export async function* readPushed(
  replica: Replica,
  request: ReadRequest,
): AsyncGenerator<readonly RawEntry[], Completeness> {
  for (const kind of ['user', 'group'] as const)
    for (const name of request.attributes[kind]) parseNotation(name);
  const { sequence } = await replica.state();
  const after = typeof request.since === 'number' ? request.since : undefined;
  const pages = replica.read({
    kinds: ['user', 'group'],
    members: request.memberships,
    ...(after === undefined ? {} : { after, through: sequence, again: request.again }),
  });
  for await (const page of pages) {
    request.signal.throwIfAborted();
    yield page.map((entry) => ({
      kind: entry.kind,
      scope: 0,
      externalId: entry.externalId,
      fingerprint: entry.fingerprint,
      ...(entry.removed ? { gone: true } : {}),
      decode: () => decode(entry, request.attributes[entry.kind]),
    }));
  }
  return { complete: true, warnings: [], changesOnly: after !== undefined, position: sequence };
}
