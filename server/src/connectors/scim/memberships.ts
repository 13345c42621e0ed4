import type { LockstepError } from '../../kernel/errors.ts';
import { renderFilterValue } from '../../scim/filter/render.ts';
import {
  findKey,
  isJsonList,
  isJsonObject,
  readAttribute,
  type Json,
  type JsonObject,
  type ScimResource,
} from '../../scim/resource.ts';
import type { TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { versionOf } from './changes.ts';
import { answerError, failed, faultOf, isOfOneObject } from './errors.ts';
import { patchRequest } from './patch.ts';
import { pathOf, type Writing } from './writing.ts';

/** Adds and removes members of one group, as many with one request as the service takes. */
export async function applyMemberships(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<TargetOutcome[]> {
  const size = writing.ways.group === 'put' ? changes.length : writing.profile.membersPerRequest;
  const done = writing.recovering ? await findDone(writing, changes) : new Set<TargetChange>();
  const outcomes: TargetOutcome[] = [...done].map(({ ordinal }) => ({ ordinal, ok: true }));
  const left = changes.filter((change) => !done.has(change));
  for (const chunk of chunksOf(left, size)) {
    // oxlint-disable-next-line no-await-in-loop -- changes of one group follow each other
    outcomes.push(...(await applyChunk(writing, chunk)));
  }
  return outcomes;
}

/** Cut as well where a member comes a second time: what is asked for last shall be what holds. */
function chunksOf(changes: readonly TargetChange[], size: number): TargetChange[][] {
  const chunks: TargetChange[][] = [];
  let seen = new Set<string>();
  for (const change of changes) {
    const last = chunks.at(-1);
    const member = memberIdOf(change);
    if (last === undefined || last.length >= size || seen.has(member)) {
      chunks.push([change]);
      seen = new Set([member]);
    } else {
      last.push(change);
      seen.add(member);
    }
  }
  return chunks;
}

/** One that is refused is halved until the member at fault stands alone. */
async function applyChunk(writing: Writing, chunk: readonly TargetChange[]): Promise<TargetOutcome[]> {
  const error = await writing.gate.run(() => tryChunk(writing, chunk));
  if (error === undefined) return chunk.map(({ ordinal }) => ({ ordinal, ok: true }));
  if (chunk.length === 1) return chunk.map((change) => failed(change, error));
  const half = Math.ceil(chunk.length / 2);
  return [
    ...(await applyChunk(writing, chunk.slice(0, half))),
    ...(await applyChunk(writing, chunk.slice(half))),
  ];
}

async function tryChunk(
  writing: Writing,
  chunk: readonly TargetChange[],
): Promise<LockstepError | undefined> {
  const [first] = chunk;
  if (first === undefined) return undefined;
  try {
    return writing.ways.group === 'put'
      ? await putMembers(writing, chunk)
      : await patchMembers(writing, chunk);
  } catch (error) {
    if (isOfOneObject(error)) return error;
    throw error;
  }
}

async function patchMembers(
  writing: Writing,
  chunk: readonly TargetChange[],
): Promise<LockstepError | undefined> {
  const { client, signal } = writing;
  const path = pathOf(writing, 'group', chunk[0]?.externalId ?? '');
  const body = patchRequest(operationsOf(writing, chunk));
  const response = await client.send({ method: 'PATCH', path, body, signal });
  if (response.status < 300) return undefined;
  if (response.status === 405 || response.status === 501) {
    writing.ways.group = 'put';
    return putMembers(writing, chunk);
  }
  const { scimType } = faultOf(response.status, response.body);
  const [only] = chunk;
  // Nobody is there to be taken out: it is done.
  if (chunk.length === 1 && only?.verb === 'removeMember' && scimType === 'noTarget') return undefined;
  return answerError(response);
}

function operationsOf({ profile }: Writing, chunk: readonly TargetChange[]): JsonObject[] {
  const added = chunk.filter(({ verb }) => verb === 'addMember').map(memberValue);
  const removed = chunk.filter(({ verb }) => verb === 'removeMember').map(memberIdOf);
  const listed = (op: 'add' | 'remove', members: JsonObject[]): JsonObject[] =>
    members.length === 0
      ? []
      : [{ op, path: 'members', value: profile.memberForm === 'object' ? { members } : members }];
  const additions = listed('add', added);
  if (profile.memberForm !== 'filter')
    return [
      ...listed(
        'remove',
        removed.map((value) => ({ value })),
      ),
      ...additions,
    ];
  return [
    ...removed.map((id): JsonObject => ({
      op: 'remove',
      path: `members[value eq ${renderFilterValue(id)}]`,
    })),
    ...additions,
  ];
}

function memberIdOf({ member }: TargetChange): string {
  return member?.externalId ?? member?.reference ?? '';
}

/** The sort of a member is told for groups alone: many services know users only and refuse more. */
function memberValue(change: TargetChange): JsonObject {
  const value = memberIdOf(change);
  return change.member?.kind === 'group' ? { value, type: 'Group' } : { value };
}

async function putMembers(
  writing: Writing,
  chunk: readonly TargetChange[],
): Promise<LockstepError | undefined> {
  const { client, service, signal } = writing;
  const path = pathOf(writing, 'group', chunk[0]?.externalId ?? '');
  const current = (await client.exchange({ method: 'GET', path, signal })) ?? {};
  const { [findKey(current, 'meta') ?? 'meta']: _, ...kept } = current;
  const key = findKey(current, 'members') ?? 'members';
  const body = { ...kept, [key]: changedMembers(current, chunk) };
  const ifMatch = service.etag ? versionOf(current) : undefined;
  const response = await client.send({ method: 'PUT', path, body, ifMatch, signal });
  return response.status < 300 ? undefined : answerError(response);
}

function changedMembers(group: ScimResource, chunk: readonly TargetChange[]): Json[] {
  const members = new Map(membersOf(group).map((member) => [idOfMember(member), member]));
  for (const change of chunk) {
    if (change.verb === 'addMember') members.set(memberIdOf(change), memberValue(change));
    else members.delete(memberIdOf(change));
  }
  return [...members.values()];
}

function membersOf(group: ScimResource): readonly Json[] {
  const members = readAttribute(group, 'members');
  return isJsonList(members) ? members : [];
}

function idOfMember(member: Json): string {
  const value = isJsonObject(member) ? readAttribute(member, 'value') : member;
  return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
}

/** Changes that the group shows to have been made by an earlier attempt: some services add a member a second time. */
async function findDone(
  writing: Writing,
  changes: readonly TargetChange[],
): Promise<ReadonlySet<TargetChange>> {
  if (writing.profile.membersRead === 'never') return new Set();
  const path = pathOf(writing, 'group', changes[0]?.externalId ?? '');
  const response = await writing.client.send({ method: 'GET', path, signal: writing.signal });
  if (response.status !== 200 || !isJsonObject(response.body)) return new Set();
  const members = new Set(membersOf(response.body).map(idOfMember));
  const ids = changes.map(memberIdOf);
  return new Set(
    changes.filter((change, index) => {
      const isLast = !ids.includes(memberIdOf(change), index + 1);
      const isFirst = ids.indexOf(memberIdOf(change)) === index;
      return isLast && isFirst && members.has(memberIdOf(change)) === (change.verb === 'addMember');
    }),
  );
}
