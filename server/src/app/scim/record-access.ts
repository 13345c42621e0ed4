import { LockstepError } from '../../kernel/errors.ts';
import { checkPreconditions, renderEntityTag, type Preconditions } from '../../scim/entity-tag.ts';
import type { ScimRecord, ScimRecordKey } from '../../store/queries/scim-record.ts';
import { isConnectionGone, isNameTaken } from '../../store/queries/scim-writes.ts';
import { rejected } from './authenticate.ts';
import { readTogether } from './read-together.ts';
import { kindOfType, type Push, type ScimTypeName } from './push.ts';

/** A resource that a request names. */
export interface ScimTarget {
  readonly type: ScimTypeName;
  readonly id: string;
}

/** So many writers may be faster than one request before it gives up. */
export const mostAttempts = 20;

export function keyOf({ connection }: Push, { type, id }: ScimTarget): ScimRecordKey {
  return { connectionSerial: connection.serial, kind: kindOfType[type], id };
}

export async function getRecord(push: Push, target: ScimTarget, withRelated: boolean): Promise<ScimRecord> {
  // What the database cannot hold is nobody's id.
  const { id } = target;
  const record = id.includes('\u0000')
    ? undefined
    : await readTogether(push.app.store, keyOf(push, target), withRelated);
  if (record !== undefined) return record;
  throw new LockstepError('NotFound', `There is no ${target.type} with id ${JSON.stringify(target.id)}.`);
}

export function moved(tag: string): LockstepError {
  return new LockstepError('RevisionMoved', `The resource is at version ${tag} now.`);
}

export function tooManyOthers(): LockstepError {
  return new LockstepError('StoreUnavailable', 'The resource is being changed by too many others.');
}

/** @throws LockstepError RevisionMoved. */
export function checkUnmoved(record: ScimRecord, { ifMatch, ifNoneMatch }: Preconditions): void {
  if (ifMatch === undefined && ifNoneMatch === undefined) return;
  const tag = renderEntityTag(String(record.revision));
  if (checkPreconditions({ ifMatch, ifNoneMatch }, tag, 'PUT') === 'proceed') return;
  throw moved(tag);
}

/** @throws LockstepError UsernameTaken, Unauthenticated in place of what the database says. */
export async function refusingUnwritable<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    if (isConnectionGone(error)) throw rejected();
    if (!isNameTaken(error)) throw error;
    throw new LockstepError('UsernameTaken', 'Another user has this userName.', { field: 'userName' });
  }
}
