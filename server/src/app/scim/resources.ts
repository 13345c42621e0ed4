import { newId } from '../../kernel/ids.ts';
import { checkPreconditions, renderEntityTag, type Preconditions } from '../../scim/entity-tag.ts';
import { applyPatch } from '../../scim/patch/apply.ts';
import type { PatchOperation } from '../../scim/patch/request.ts';
import type { Projection } from '../../scim/projection.ts';
import { normalizeReplacement } from '../../scim/schema/normalize-replacement.ts';
import { normalizeResource } from '../../scim/schema/normalize.ts';
import { removeScimRecord } from '../../store/queries/scim-writes.ts';
import { contentOf, memberIdsOf } from './content.ts';
import { inLine } from './edit-line.ts';
import { editRecord, lineOf, noMembers, showChanged } from './edit-record.ts';
import { assertRemovable } from './guarded-push.ts';
import { patchMembers, readsAllMembers, replaceMembers, selectNewMembers } from './membership.ts';
import { kindOfType, modelOf, type Push, type ScimTypeName } from './push.ts';
import {
  checkUnmoved,
  getRecord,
  keyOf,
  mostAttempts,
  moved,
  refusingUnwritable,
  tooManyOthers,
  type ScimTarget,
} from './record-access.ts';
import { showsRelated } from './related.ts';
import { showResource, type ScimView } from './resource-view.ts';
import { writeTogether } from './write-together.ts';

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
  const content = contentOf(resource, model);
  const named = type === 'Group' ? memberIdsOf(resource) : [];
  for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
    const added = type === 'Group' ? await selectNewMembers(push, id, named) : [];
    const members = { added, removed: [] };
    const write = { kind: kindOfType[type], id, expectedRevision: 0, changes: 1, content, members, at };
    const written = await refusingUnwritable(async () => writeTogether(app.store, connection.serial, write));
    // A member went in between: who it was is found out by looking again.
    if (written === undefined) continue;
    const made = { id, attributes: content.attributes, revision: 1, createdAt: at, modifiedAt: at };
    return added.length === 0 ? showResource(push, type, made) : showChanged(push, type, made, projection);
  }
  throw tooManyOthers();
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
  return editRecord(push, target, { preconditions, projection }, async ({ attributes }, ahead) => {
    if (ahead !== undefined) return undefined;
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
  return editRecord(push, target, { preconditions, projection }, async ({ attributes }, ahead) => {
    const options = target.type === 'Group' ? { profile, apart: 'members' as const } : { profile };
    const { resource, members } = applyPatch(attributes, operations, model, options);
    if (target.type === 'User') return { resource, members: noMembers };
    if (ahead !== undefined && readsAllMembers(members)) return undefined;
    return { resource, members: await patchMembers(push, target.id, members, ahead?.members) };
  });
}

/** @throws LockstepError NotFound; RevisionMoved; Held while the guard wants a person to look first. */
export async function deleteScimResource(
  push: Push,
  target: ScimTarget,
  preconditions: Preconditions,
): Promise<void> {
  const { app } = push;
  await inLine(lineOf(push, target), async (line) =>
    line.turn(async () => {
      await line.settled();
      for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
        const record = await getRecord(push, target, false);
        checkUnmoved(record, preconditions);
        await assertRemovable(push, kindOfType[target.type], target.id);
        if (await removeScimRecord(app.store, keyOf(push, target), record.revision, app.clock.now())) return;
      }
      throw tooManyOthers();
    }),
  );
}
