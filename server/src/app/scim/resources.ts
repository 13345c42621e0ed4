import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import { checkPreconditions, renderEntityTag, type Preconditions } from '../../scim/entity-tag.ts';
import { applyPatch } from '../../scim/patch/apply.ts';
import type { PatchOperation } from '../../scim/patch/request.ts';
import type { Projection } from '../../scim/projection.ts';
import { sameJson } from '../../scim/same-json.ts';
import { normalizeReplacement } from '../../scim/schema/normalize-replacement.ts';
import { normalizeResource } from '../../scim/schema/normalize.ts';
import { findScimRecord } from '../../store/queries/scim-list.ts';
import type { ScimRecord, ScimRecordKey } from '../../store/queries/scim-record.ts';
import { isNameTaken, removeScimRecord, type ScimMemberChange } from '../../store/queries/scim-writes.ts';
import { contentOf, memberIdsOf } from './content.ts';
import { assertRemovable, refuseHeldLosses } from './guarded-push.ts';
import { patchMembers, replaceMembers, selectNewMembers } from './membership.ts';
import { kindOfType, modelOf, type Push, type ScimTypeName } from './push.ts';
import { readsGroups, showsRelated, withMembers } from './related.ts';
import { showResource, type ScimView } from './resource-view.ts';
import { Turns } from './turns.ts';
import { writeTogether } from './write-together.ts';

/** A resource that a request names. */
export interface ScimTarget {
  readonly type: ScimTypeName;
  readonly id: string;
}

/** So many writers may be faster than one request before it gives up. */
const mostAttempts = 20;
/** Pushes to one resource come one after the other; those that reach another process are noticed by the revision. */
const turns = new Turns();

function keyOf({ connection }: Push, { type, id }: ScimTarget): ScimRecordKey {
  return { connectionSerial: connection.serial, kind: kindOfType[type], id };
}

async function getRecord(push: Push, target: ScimTarget, withRelated: boolean): Promise<ScimRecord> {
  // What the database cannot hold is nobody's id.
  const { id } = target;
  const record = id.includes('\u0000')
    ? undefined
    : await findScimRecord(push.app.store.db, keyOf(push, target), withRelated);
  if (record !== undefined) return record;
  throw new LockstepError('NotFound', `There is no ${target.type} with id ${JSON.stringify(target.id)}.`);
}

function moved(tag: string): LockstepError {
  return new LockstepError('RevisionMoved', `The resource is at version ${tag} now.`);
}

/** @throws LockstepError RevisionMoved. */
function checkUnmoved(record: ScimRecord, { ifMatch, ifNoneMatch }: Preconditions): void {
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const tag = renderEntityTag(String(record.revision));
  if (checkPreconditions({ ifMatch, ifNoneMatch }, tag, 'PUT') === 'proceed') return;
  throw moved(tag);
}

/**
 * A resource as it is. @returns 'not_modified' when the client has this version already.
 * @throws LockstepError NotFound; RevisionMoved for an If-Match that does not hold.
 */
export async function getScimResource(
  push: Push,
  target: ScimTarget,
  projection: Projection,
  preconditions: Preconditions,
): Promise<ScimView | 'not_modified'> {
  const record = await getRecord(push, target, showsRelated(push, target.type, projection));
  const tag = renderEntityTag(String(record.revision));
  const { ifMatch, ifNoneMatch } = preconditions;
  const verdict = checkPreconditions({ ifMatch, ifNoneMatch }, tag, 'GET');
  if (verdict === 'not_modified') return verdict;
  if (verdict === 'failed') throw moved(tag);
  return showResource(push, target.type, record);
}

/** @throws LockstepError UsernameTaken in place of the broken index. */
async function refusingTakenNames<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (!isNameTaken(error)) throw error;
    throw new LockstepError('UsernameTaken', 'Another user has this userName.', { field: 'userName' });
  }
}

/**
 * Makes a resource under a new id.
 * @throws LockstepError as normalizeResource; UsernameTaken; InvalidValue for members that do not exist.
 */
export async function createScimResource(
  push: Push,
  type: ScimTypeName,
  body: unknown,
  projection: Projection,
): Promise<ScimView> {
  const { app, connection } = push;
  const model = modelOf(push, type);
  const { resource } = normalizeResource(body, model, { profile: connection.profile });
  const at = app.clock.now();
  const id = newId('record', at.getTime());
  const members = type === 'Group' ? await selectNewMembers(push, id, memberIdsOf(resource)) : [];
  const content = contentOf(resource, model);
  await refusingTakenNames(async () =>
    writeTogether(app.store, connection.serial, {
      kind: kindOfType[type],
      id,
      expectedRevision: 0,
      content,
      members: { added: members, removed: [] },
      at,
    }),
  );
  const made = { id, attributes: content.attributes, revision: 1, createdAt: at, modifiedAt: at };
  if (members.length === 0) return showResource(push, type, made);
  return showChanged(push, type, made, projection);
}

/** A resource after its change; the members of a group are read now, if somebody wants to see them. */
async function showChanged(
  push: Push,
  type: ScimTypeName,
  record: ScimRecord,
  projection: Projection | undefined,
): Promise<ScimView> {
  const reads = type === 'Group' && showsRelated(push, type, projection);
  const [whole = record] = reads ? await withMembers(push, [record]) : [];
  return showResource(push, type, whole);
}

/** What a request makes of a record. */
interface Edit {
  readonly resource: ScimRecord['attributes'];
  readonly members: ScimMemberChange;
}

interface EditOptions {
  readonly preconditions: Preconditions;
  /** undefined: nobody wants to see the result. */
  readonly projection: Projection | undefined;
}

const noMembers: ScimMemberChange = { added: [], removed: [] };

async function tryEdit(
  push: Push,
  target: ScimTarget,
  { preconditions, projection }: EditOptions,
  edit: (record: ScimRecord) => Promise<Edit>,
): Promise<ScimRecord | undefined> {
  const { app, connection } = push;
  // The groups of a user are what they were; the members of a group are read when they have changed.
  const record = await getRecord(push, target, readsGroups(push, target.type, projection));
  checkUnmoved(record, preconditions);
  const { resource, members } = await edit(record);
  const content = contentOf(resource, modelOf(push, target.type));
  const same = sameJson(content.attributes, record.attributes);
  const isInactive = target.type === 'User' && content.attributes['active'] === false;
  if (same && members.added.length === 0 && members.removed.length === 0) {
    // Somebody comes again with what the guard holds.
    if (isInactive || target.type === 'Group') await refuseHeldLosses(push, target.id);
    return record;
  }
  const written = await refusingTakenNames(async () =>
    writeTogether(app.store, connection.serial, {
      kind: kindOfType[target.type],
      id: target.id,
      expectedRevision: record.revision,
      content: same ? undefined : content,
      members,
      at: app.clock.now(),
    }),
  );
  if (written === undefined) return undefined;
  const takesAway = members.removed.length > 0 || (isInactive && record.attributes['active'] !== false);
  if (takesAway) await refuseHeldLosses(push, target.id);
  return { ...record, ...written, attributes: content.attributes };
}

/**
 * Reads, computes and writes, again when somebody else wrote in between.
 * @returns the resource as it is now
 * @throws LockstepError.
 */
async function editRecord(
  push: Push,
  target: ScimTarget,
  options: EditOptions,
  edit: (record: ScimRecord) => Promise<Edit>,
): Promise<ScimView> {
  const record = await turns.take(`${push.connection.id} ${target.id}`, async () => {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const edited = await tryEdit(push, target, options, edit);
      if (edited !== undefined) return edited;
    }
    throw new LockstepError('StoreUnavailable', 'The resource is being changed by too many others.');
  });
  return showChanged(push, target.type, record, options.projection);
}

/** PUT (RFC 7644 section 3.5.1). @throws LockstepError as normalizeReplacement; NotFound; RevisionMoved. */
export async function replaceScimResource(
  push: Push,
  target: ScimTarget,
  body: unknown,
  preconditions: Preconditions,
  projection: Projection,
): Promise<ScimView> {
  const { profile } = push.connection;
  const model = modelOf(push, target.type);
  return editRecord(push, target, { preconditions, projection }, async ({ attributes }) => {
    const { resource } = normalizeReplacement(body, attributes, model, { profile });
    if (target.type === 'User') return { resource, members: noMembers };
    return { resource, members: await replaceMembers(push, target.id, memberIdsOf(resource)) };
  });
}

/**
 * PATCH (RFC 7644 section 3.5.2), all operations or none.
 * @param projection undefined: nobody wants to see the result
 * @throws LockstepError as applyPatch; NotFound; RevisionMoved; UsernameTaken.
 */
export async function patchScimResource(
  push: Push,
  target: ScimTarget,
  operations: readonly PatchOperation[],
  preconditions: Preconditions,
  projection: Projection | undefined,
): Promise<ScimView> {
  const { profile } = push.connection;
  const model = modelOf(push, target.type);
  return editRecord(push, target, { preconditions, projection }, async ({ attributes }) => {
    const options = target.type === 'Group' ? { profile, apart: 'members' as const } : { profile };
    const { resource, members } = applyPatch(attributes, operations, model, options);
    if (target.type === 'User') return { resource, members: noMembers };
    return { resource, members: await patchMembers(push, target.id, members) };
  });
}

/** @throws LockstepError NotFound; RevisionMoved; Held while the guard wants a person to look first. */
export async function deleteScimResource(
  push: Push,
  target: ScimTarget,
  preconditions: Preconditions,
): Promise<void> {
  const { app } = push;
  await turns.take(`${push.connection.id} ${target.id}`, async () => {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const record = await getRecord(push, target, false);
      checkUnmoved(record, preconditions);
      await assertRemovable(push, kindOfType[target.type], target.id);
      if (await removeScimRecord(app.store.db, keyOf(push, target), record.revision, app.clock.now())) return;
    }
    throw new LockstepError('StoreUnavailable', 'The resource is being changed by too many others.');
  });
}
