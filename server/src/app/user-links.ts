import { LockstepError } from '../kernel/errors.ts';
import {
  deleteUserLink,
  findLinkingSync,
  insertUserLink,
  selectUserLinks,
  type UserLinkFilter,
  type UserLinkRow,
} from '../store/queries/user-links.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application } from './application.ts';
import { getConnectionRow } from './connections.ts';
import { getFoundObject } from './directory-search.ts';

/** The tie of a user to a connection, as a person sees it. */
export type UserLink = UserLinkRow;

export interface UserLinkPage {
  /** Serials of syncs, as the links have them. */
  readonly after?: number | undefined;
  readonly before?: number | undefined;
  readonly limit: number;
}

/** Links of a user in the order of their syncs. @throws LockstepError NotFound. */
export async function listUserLinks(
  app: Application,
  actor: Actor,
  userId: string,
  filter: UserLinkFilter,
  page: UserLinkPage,
): Promise<{ rows: UserLink[]; total: number; preceding: number; following: number }> {
  await getFoundObject(app, actor, 'user', userId);
  return selectUserLinks(app.store.db, userId, filter, page);
}

/** A user, a connection, and what the user is called there. */
export interface UserLinkAddress {
  readonly userId: string;
  readonly connectionId: string;
  readonly externalId: string;
}

async function requireEnds(app: Application, actor: Actor, address: UserLinkAddress): Promise<void> {
  requireRole(actor, 'operator');
  await getFoundObject(app, actor, 'user', address.userId);
  const { id } = await getConnectionRow(app.store.db, actor, address.connectionId);
  if (id !== address.connectionId) throw new LockstepError('NotFound', 'there is no such connection');
}

/**
 * Ties a user to a record of a connection: from its next run on, its sync takes the two for the same.
 * @throws LockstepError NotFound; Conflict when the connection has no sync; NameTaken when one of the two is tied to
 * another there.
 */
export async function bindUser(app: Application, actor: Actor, address: UserLinkAddress): Promise<void> {
  await requireEnds(app, actor, address);
  const sync = await findLinkingSync(app.store.db, address.connectionId);
  if (sync === undefined) {
    throw new LockstepError('Conflict', 'the connection has no sync yet', {
      remedy: 'Say first what is to be synchronized.',
    });
  }
  if (await insertUserLink(app.store.db, sync, address.userId, address.externalId)) return;
  throw new LockstepError('NameTaken', 'the user or the external id is bound to another one already', {
    field: 'externalId',
  });
}

/** Takes the tie away; both sides stay as they are. @throws LockstepError NotFound. */
export async function unbindUser(app: Application, actor: Actor, address: UserLinkAddress): Promise<void> {
  await requireEnds(app, actor, address);
  const { connectionId, userId, externalId } = address;
  if (await deleteUserLink(app.store.db, connectionId, userId, externalId)) return;
  throw new LockstepError('NotFound', 'the user is not bound to this external id', { field: 'link' });
}
