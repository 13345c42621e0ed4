import { randomUUID } from 'node:crypto';
import type { HttpResponse } from '../../http-client/client.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  findKey,
  foldCase,
  isJsonObject,
  readAttribute,
  type JsonObject,
  type ScimResource,
} from '../../scim/resource.ts';
import type { ExternalObject, TargetChange, TargetOutcome } from '../../sync/connector.ts';
import { composeResource, overlay } from './compose.ts';
import { definitionOf } from './definitions.ts';
import { answerError, faultOf } from './errors.ts';
import { fingerprintOf } from './fingerprint.ts';
import { nameAttributes, type ScimKind } from './naming.ts';
import { parseNotation } from './notation.ts';
import { needsResource, patchOperations, patchRequest } from './patch.ts';
import { idOf, isUsableId, readActive } from './resource-values.ts';
import { findOwn, findResource } from './search.ts';
import { kindOf, pathOf, shapeOf, type Writing } from './writing.ts';

/** Carries out one change of a user or a group. @throws LockstepError for one that fails */
export async function applyChange(writing: Writing, change: TargetChange): Promise<TargetOutcome> {
  const { ordinal, verb } = change;
  if (verb === 'create') return createResource(writing, change);
  if (verb !== 'delete') return updated(change, await updateResource(writing, change));
  await deleteResource(writing, change);
  return { ordinal, ok: true };
}

/** What came of an update. @param answer what the service said the resource is now, if it did */
export function updated(change: TargetChange, answer: unknown): TargetOutcome {
  const { ordinal, verb, externalId } = change;
  // Its id is where it is: another name does not move it.
  const place = verb === 'move' && externalId !== null ? placeOf(externalId) : {};
  return { ordinal, ok: true, ...place, fingerprint: shownFingerprint(change, answer) };
}

/** What is sent for a new object. */
export function creation(writing: Writing, change: TargetChange): JsonObject {
  const kind = kindOf(change);
  const state = kind === 'user' ? { active: change.enabled ?? true } : {};
  return composeResource(kind, change.set, shapeOf(writing, kind), state);
}

async function createResource(writing: Writing, change: TargetChange): Promise<TargetOutcome> {
  const kind = kindOf(change);
  const response = await writing.client.send({
    method: 'POST',
    path: writing.service.endpoints[kind],
    body: creation(writing, change),
    signal: writing.signal,
  });
  return settleCreation(writing, change, response);
}

/** What came of a creation: the id that the service gave, or the resource that an earlier attempt had made. */
export async function settleCreation(
  writing: Writing,
  change: TargetChange,
  response: Pick<HttpResponse, 'status' | 'headers' | 'body'>,
): Promise<TargetOutcome> {
  if (response.status >= 300) return created(change, await adopt(writing, change, response));
  const resource = isJsonObject(response.body) ? response.body : undefined;
  const id =
    (resource && idOf(resource)) ??
    idFromLocation(response.headers['location'], writing.service.endpoints[kindOf(change)]);
  if (id === undefined) {
    const found = await findResource(writing, kindOf(change), wantedOf(change));
    const foundId = found && idOf(found);
    if (foundId === undefined)
      throw new LockstepError('ProtocolError', 'the SCIM service made the resource and told no id of it');
    return created(change, foundId);
  }
  // Some services make every account an active one.
  const isWronglyActive = change.enabled === false && resource !== undefined && readActive(resource) === true;
  const answer = isWronglyActive
    ? await updateResource(writing, { ...change, verb: 'disable', externalId: id, set: {} })
    : resource;
  return created(change, id, shownFingerprint(change, answer));
}

function created({ ordinal }: TargetChange, id: string, fingerprint?: string): TargetOutcome {
  return { ordinal, ok: true, ...placeOf(id), fingerprint };
}

function placeOf(
  id: string,
): Required<Pick<ExternalObject, 'location' | 'reference'>> & { externalId: string } {
  return { externalId: id, location: id, reference: id };
}

/** Of what the service answered with, if that is the whole user. Groups change again with their members. */
function shownFingerprint(change: TargetChange, answer: unknown): string | undefined {
  if (kindOf(change) !== 'user' || !isJsonObject(answer)) return undefined;
  return idOf(answer) !== undefined && readAttribute(answer, nameAttributes.user) !== undefined
    ? fingerprintOf(answer)
    : undefined;
}

/** The id behind the endpoint in the address of a resource; undefined for an address of anything else. */
function idFromLocation(location: string | undefined, endpoint: string): string | undefined {
  const path = location?.replace(/[?#].*$/s, '').replace(/\/$/, '') ?? '';
  const end = path.lastIndexOf('/');
  if (!foldCase(path.slice(0, end)).endsWith(foldCase(endpoint))) return undefined;
  try {
    const id = decodeURIComponent(path.slice(end + 1));
    return isUsableId(id) ? id : undefined;
  } catch {
    return undefined;
  }
}

function wantedOf(change: TargetChange): { name: string | undefined; externalId: string | undefined } {
  return { name: valueOf(change, nameAttributes[kindOf(change)]), externalId: valueOf(change, 'externalId') };
}

/** The new value of an attribute, in whatever case the mapping writes its name. */
export function valueOf({ set }: Pick<TargetChange, 'set'>, attribute: string): string | undefined {
  const name = Object.keys(set).find((each) => foldCase(each) === foldCase(attribute));
  const value = name === undefined ? undefined : set[name]?.[0];
  return typeof value === 'string' ? value : undefined;
}

/**
 * The resource that has the name already, if it bears the id of this very object and so was made for it; a batch that
 * may have been cut off takes one for its own that bears none. @throws LockstepError
 */
async function adopt(
  writing: Writing,
  change: TargetChange,
  response: Pick<HttpResponse, 'status' | 'body'>,
): Promise<string> {
  const { scimType } = faultOf(response.status, response.body);
  const exists = response.status === 409 || scimType === 'uniqueness';
  const find = writing.recovering ? findResource : findOwn;
  const found = exists ? await find(writing, kindOf(change), wantedOf(change)) : undefined;
  const id = found && idOf(found);
  if (id === undefined) throw answerError(response);
  return id;
}

/** Tries of an update whose resource changes under it. */
const mostTries = 3;

/** Brings a resource to its new values, by PATCH or by PUT; what the service answered. @throws LockstepError */
export async function updateResource(writing: Writing, change: TargetChange): Promise<unknown> {
  const kind = kindOf(change);
  let wholes = false;
  for (let attempt = 1; ; attempt += 1) {
    // oxlint-disable-next-line no-await-in-loop -- another try follows from the answer to the one before
    const response = await sendUpdate(writing, change, kind, wholes);
    if (response.status < 300) return response.body;
    const next = writing.ways[kind] === 'put' ? undefined : otherWay(response, wholes);
    if (next === 'put') writing.ways[kind] = 'put';
    else if (next === 'wholes') wholes = true;
    else if (response.status !== 412 || attempt >= mostTries) throw answerError(response);
  }
}

/** What to try instead of a PATCH that was refused for its form. */
function otherWay(
  { status, body }: Pick<HttpResponse, 'status' | 'body'>,
  wholes: boolean,
): 'put' | 'wholes' | undefined {
  if (status === 405 || status === 501) return 'put';
  const { scimType } = faultOf(status, body);
  return !wholes && (scimType === 'noTarget' || scimType === 'invalidPath') ? 'wholes' : undefined;
}

/** Whether a PATCH that was refused may be taken in another form, or the next time. */
export function mayGoOtherwise(response: Pick<HttpResponse, 'status' | 'body'>): boolean {
  return response.status === 412 || otherWay(response, false) !== undefined;
}

/** An update as one PATCH that takes no look at the resource before; undefined where that is not to be had. */
export function lonePatch(writing: Writing, change: TargetChange): JsonObject | undefined {
  const kind = kindOf(change);
  const shape = shapeOf(writing, kind);
  if (writing.ways[kind] === 'put' || needsResource(change.set, shape)) return undefined;
  const active = kind === 'user' ? change.enabled : undefined;
  const { profile } = writing;
  const operations = patchOperations(change.set, active, undefined, { shape, profile });
  return operations.length === 0 ? undefined : patchRequest(operations);
}

async function sendUpdate(
  writing: Writing,
  change: TargetChange,
  kind: ScimKind,
  wholes: boolean,
): Promise<HttpResponse> {
  const { client, profile, signal, service } = writing;
  const path = pathOf(writing, kind, change.externalId ?? '');
  const shape = shapeOf(writing, kind);
  const active = kind === 'user' ? change.enabled : undefined;
  const byPut = writing.ways[kind] === 'put';
  const current =
    byPut || wholes || needsResource(change.set, shape)
      ? await client.exchange({ method: 'GET', path, signal })
      : undefined;
  const ifMatch = service.etag && current !== undefined ? versionOf(current) : undefined;
  if (byPut) {
    const body = replacement(writing, kind, current ?? {}, change, active);
    return client.send({ method: 'PUT', path, body, ifMatch, signal });
  }
  const operations = patchOperations(change.set, active, current, { shape, profile, wholes });
  // Nothing to write, but the resource must be there.
  if (operations.length === 0) return client.send({ method: 'GET', path, signal });
  return client.send({ method: 'PATCH', path, body: patchRequest(operations), ifMatch, signal });
}

export function versionOf(resource: ScimResource): string | undefined {
  const meta = readAttribute(resource, 'meta');
  const version = isJsonObject(meta ?? null) ? readAttribute(meta as JsonObject, 'version') : undefined;
  return typeof version === 'string' && version !== '' ? version : undefined;
}

/** The whole resource as it shall be, without what the service sets itself. */
function replacement(
  writing: Writing,
  kind: ScimKind,
  current: ScimResource,
  { set }: TargetChange,
  active: boolean | undefined,
): JsonObject {
  const shape = shapeOf(writing, kind);
  const kept = Object.entries(current).filter(([name]) => !isServices(name, shape));
  const next = overlay(Object.fromEntries(kept), set, shape);
  if (active === undefined) return next;
  const { [findKey(next, 'active') ?? 'active']: _, ...rest } = next;
  return { ...rest, active };
}

/** `id`, `schemas`, `active` and members are the client's to repeat; other read-only attributes are not. */
function isServices(name: string, shape: ReturnType<typeof shapeOf>): boolean {
  const folded = foldCase(name);
  if (folded === 'meta' || folded === 'groups') return true;
  if (folded.startsWith('urn:') || ['id', 'schemas', 'active', 'members'].includes(folded)) return false;
  const plain = /^[a-z$][\w$-]*$/i.test(name);
  return plain && definitionOf(shape, parseNotation(name)).mutability === 'readOnly';
}

/** Whether a resource is removed by DELETE: some services know users that are not active, and no removed ones. */
export function isRemoval({ profile }: Writing, change: TargetChange): boolean {
  return change.verb === 'delete' && (kindOf(change) === 'group' || profile.deletion !== 'deactivate');
}

async function deleteResource(writing: Writing, change: TargetChange): Promise<void> {
  const kind = kindOf(change);
  if (!isRemoval(writing, change))
    return void (await updateResource(writing, { ...change, set: {}, enabled: false }));
  const path = pathOf(writing, kind, change.externalId ?? '');
  const response = await writing.client.send({ method: 'DELETE', path, signal: writing.signal });
  settleDeletion(writing, response);
  return undefined;
}

/** @throws LockstepError where the resource is still there, or was not there to begin with */
export function settleDeletion(writing: Writing, response: Pick<HttpResponse, 'status' | 'body'>): void {
  const { status } = response;
  if (status < 300 || (writing.recovering && (status === 404 || status === 410))) return;
  if (status !== 405 && status !== 501) throw answerError(response);
  throw new LockstepError('TargetRejected', `the SCIM service deletes nothing: it answered ${status}`, {
    remedy: 'Let the sync disable what is missing (onMissing: disable).',
  });
}

/** A name that nobody else has, of the same sort: some services demand an address. */
export function temporaryName(name: string): string {
  const mark = `-${randomUUID().slice(0, 8)}`;
  const at = name.lastIndexOf('@');
  return at < 0 ? name + mark : name.slice(0, at) + mark + name.slice(at);
}
