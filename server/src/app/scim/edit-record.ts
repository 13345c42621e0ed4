import { sameJson } from '../../scim/same-json.ts';
import type { Preconditions } from '../../scim/entity-tag.ts';
import type { Projection } from '../../scim/projection.ts';
import type { ScimRecord } from '../../store/queries/scim-record.ts';
import type { ScimMemberChange, WrittenRecord } from '../../store/queries/scim-writes.ts';
import { contentOf } from './content.ts';
import { inLine, type Ahead, type EditLine } from './edit-line.ts';
import { refuseHeldLosses } from './guarded-push.ts';
import { kindOfType, modelOf, type Push, type ScimTypeName } from './push.ts';
import {
  checkUnmoved,
  getRecord,
  mostAttempts,
  refusingUnwritable,
  tooManyOthers,
  type ScimTarget,
} from './record-access.ts';
import { readsGroups, showsRelated, withMembers } from './related.ts';
import { showResource, type ScimView } from './resource-view.ts';
import { writeTogether } from './write-together.ts';

/** A resource after its change; the members of a group are read now, if somebody wants to see them. */
export async function showChanged(
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

/** @returns undefined when it cannot be told from what lies ahead, but only from what is written */
type Editing = (record: ScimRecord, ahead: Ahead | undefined) => Promise<Edit | undefined>;

interface EditOptions {
  readonly preconditions: Preconditions;
  /** undefined: nobody wants to see the result. */
  readonly projection: Projection | undefined;
}

export const noMembers: ScimMemberChange = { added: [], removed: [] };

/** An edit that was computed, and is being written unless it changes nothing. */
interface Started {
  readonly record: ScimRecord;
  readonly writing: Promise<WrittenRecord | undefined> | undefined;
  /** It takes something from somebody, or tries to again. */
  readonly takesAway: boolean;
}

function startWriting(
  push: Push,
  target: ScimTarget,
  line: EditLine,
  record: ScimRecord,
  edit: Edit,
): Started {
  const { app, connection } = push;
  const { resource, members } = edit;
  const isGroup = target.type === 'Group';
  const content = contentOf(resource, modelOf(push, target.type));
  const same = sameJson(content.attributes, record.attributes);
  const isInactive = !isGroup && content.attributes['active'] === false;
  if (same && members.added.length === 0 && members.removed.length === 0)
    return { record, writing: undefined, takesAway: isInactive || isGroup };
  const { revision } = record;
  const writing = refusingUnwritable(async () =>
    writeTogether(app.store, connection.serial, {
      kind: kindOfType[target.type],
      id: target.id,
      expectedRevision: revision,
      changes: 1,
      content: same ? undefined : content,
      members,
      at: app.clock.now(),
    }),
  );
  const next = { ...record, revision: revision + 1, attributes: content.attributes };
  line.follow(next, members, writing);
  const takesAway = members.removed.length > 0 || (isInactive && record.attributes['active'] !== false);
  return { record: next, writing, takesAway };
}

/** From what is being written: undefined where that does not tell enough, or something would be refused for it. */
async function startAhead(
  push: Push,
  target: ScimTarget,
  { preconditions: { ifMatch, ifNoneMatch } }: EditOptions,
  edit: Editing,
  line: EditLine,
): Promise<Started | undefined> {
  const { ahead } = line;
  // Users are shown with groups, which are not known ahead.
  if (ahead === undefined || target.type === 'User' || ifMatch !== undefined || ifNoneMatch !== undefined)
    return undefined;
  try {
    const edited = await edit(ahead.record, ahead);
    if (edited === undefined) return undefined;
    const started = startWriting(push, target, line, ahead.record, edited);
    return started.writing === undefined ? undefined : started;
  } catch {
    return undefined;
  }
}

async function startEdit(
  push: Push,
  target: ScimTarget,
  options: EditOptions,
  edit: Editing,
  line: EditLine,
): Promise<Started | undefined> {
  const early = await startAhead(push, target, options, edit, line);
  if (early !== undefined) return early;
  await line.settled();
  // The groups of a user are what they were; the members of a group are read when they have changed.
  const record = await getRecord(push, target, readsGroups(push, target.type, options.projection));
  checkUnmoved(record, options.preconditions);
  const edited = await edit(record, undefined);
  return edited && startWriting(push, target, line, record, edited);
}

async function finishEdit(
  push: Push,
  { id }: ScimTarget,
  { record, writing, takesAway }: Started,
): Promise<ScimRecord | undefined> {
  const written = await writing;
  if (writing !== undefined && written === undefined) return undefined;
  // Somebody may come again with what the guard holds.
  if (takesAway) await refuseHeldLosses(push, id);
  return { ...record, ...written };
}

export const lineOf = ({ connection }: Push, { id }: ScimTarget) => `${connection.id} ${id}`;

/**
 * Reads, computes and writes, again when somebody else wrote in between.
 * @returns the resource as it is now
 * @throws LockstepError.
 */
export async function editRecord(
  push: Push,
  target: ScimTarget,
  options: EditOptions,
  edit: Editing,
): Promise<ScimView> {
  const record = await inLine(lineOf(push, target), async (line) => {
    for (let attempt = 0; attempt < mostAttempts; attempt += 1) {
      const started = await line.turn(async () => startEdit(push, target, options, edit, line));
      const edited = started && (await finishEdit(push, target, started));
      if (edited !== undefined) return edited;
    }
    throw tooManyOthers();
  });
  return showChanged(push, target.type, record, options.projection);
}
