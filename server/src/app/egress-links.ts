import { LockstepError } from '../kernel/errors.ts';
import {
  countEgressLinks,
  deleteLink,
  insertLink,
  selectEgressLinks,
  type EgressLinkColumn,
  type EgressLinkFilter,
  type EgressLinkRow,
  type LinkedKind,
} from '../store/queries/egress-links.ts';
import { selectTargetRecords, type TargetRecord } from '../store/queries/egress-records.ts';
import type { Order } from '../store/queries/order-by.ts';
import { findObject } from '../store/queries/directory.ts';
import { findUnfinishedJob } from '../store/queries/jobs.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Executor } from './application.ts';
import { waitForJob } from './await-job.ts';
import { getEgressProvider, listEgressProviders } from './egress-providers.ts';

/** A tie between an object of the directory and its counterpart in a system that an egress sync writes to. */
export interface EgressLink extends EgressLinkRow {
  /** What is known of the counterpart, by the system's own names. */
  readonly targetRecord: TargetRecord;
}

export type { EgressLinkColumn } from '../store/queries/egress-links.ts';

async function withRecords(
  executor: Executor,
  kind: LinkedKind,
  links: readonly EgressLinkRow[],
): Promise<EgressLink[]> {
  const records = await selectTargetRecords(executor, kind, links);
  return links.map((link, index) => ({ ...link, targetRecord: records[index] ?? {} }));
}

/** Milliseconds that a running job is waited for before links are touched by hand. */
const patience = 5000;

/** Links of all providers of a type, and how many there are. */
export async function listEgressLinks(
  app: Application,
  actor: Actor,
  type: string,
  kind: LinkedKind,
  filter: Omit<EgressLinkFilter, 'syncSerials'>,
  page: { readonly offset: number; readonly limit: number; readonly order?: Order<EgressLinkColumn> },
): Promise<EgressLink[]> {
  const all = { ...filter, syncSerials: await syncSerials(app, actor, type) };
  const links = await selectEgressLinks(app.store.db, actor.tenantId, kind, all, page);
  return withRecords(app.store.db, kind, links);
}

export async function totalEgressLinks(
  app: Application,
  actor: Actor,
  type: string,
  kind: LinkedKind,
  filter: Omit<EgressLinkFilter, 'syncSerials'>,
): Promise<number> {
  const all = { ...filter, syncSerials: await syncSerials(app, actor, type) };
  return countEgressLinks(app.store.db, actor.tenantId, kind, all);
}

async function syncSerials(app: Application, actor: Actor, type: string): Promise<number[]> {
  return (await listEgressProviders(app, actor, [type])).map(({ sync }) => sync.serial);
}

async function findLink(
  executor: Executor,
  actor: Actor,
  kind: LinkedKind,
  syncSerial: number,
  objectId: string,
): Promise<EgressLink | undefined> {
  const filter = { syncSerials: [syncSerial], objectId };
  const page = { offset: 0, limit: 1 };
  const links = await selectEgressLinks(executor, actor.tenantId, kind, filter, page);
  return (await withRecords(executor, kind, links))[0];
}

/**
 * The one link for which an API has made an id out of sync and object.
 * @param objectOf the object that the id means if it is a link of the sync with this serial
 * @throws LockstepError NotFound.
 */
export async function getEgressLink(
  app: Application,
  actor: Actor,
  type: string,
  kind: LinkedKind,
  objectOf: (syncSerial: number) => string,
): Promise<EgressLink> {
  for (const serial of await syncSerials(app, actor, type)) {
    const link = await findLink(app.store.db, actor, kind, serial, objectOf(serial));
    if (link !== undefined) return link;
  }
  throw new LockstepError('NotFound', 'there is no such link');
}

/** A run at work has its own picture of the links. @throws LockstepError Conflict when it takes too long. */
async function waitUntilIdle(app: Application, actor: Actor, syncId: string): Promise<void> {
  const job = await findUnfinishedJob(app.store.db, syncId);
  if (job?.status !== 'running') return;
  const seen = await waitForJob(app, actor, job.id, AbortSignal.timeout(patience));
  if (seen.status !== 'running') return;
  throw new LockstepError('Conflict', `job ${job.id} of this sync is running`, {
    remedy: 'Wait for it or cancel it, and try again.',
  });
}

/**
 * Links an object by hand, so that the next run updates its counterpart instead of making one.
 * @throws LockstepError NotFound for provider or object; Conflict when either side is linked already.
 */
export async function createEgressLink(
  app: Application,
  actor: Actor,
  of: { readonly type: string; readonly connectionSerial: number },
  link: { readonly kind: LinkedKind; readonly objectId: string; readonly externalId: string },
): Promise<EgressLink> {
  requireRole(actor, 'administrator');
  const { sync } = await getEgressProvider(app, actor, of.type, of.connectionSerial);
  await waitUntilIdle(app, actor, sync.id);
  return app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    if ((await findObject(trx, actor.tenantId, link.kind, link.objectId)) === undefined) {
      throw new LockstepError('NotFound', `there is no ${link.kind} ${link.objectId}`);
    }
    const added = await insertLink(trx, { ...link, syncSerial: sync.serial });
    const made = added ? await findLink(trx, actor, link.kind, sync.serial, link.objectId) : undefined;
    if (made !== undefined) return made;
    throw new LockstepError(
      'Conflict',
      `the ${link.kind} or ${link.externalId} is linked in this sync already`,
    );
  });
}

/** Drops a link; both objects stay. The next run matches the object anew. */
export async function deleteEgressLink(
  app: Application,
  actor: Actor,
  type: string,
  link: EgressLink,
): Promise<void> {
  requireRole(actor, 'administrator');
  const { sync } = await getEgressProvider(app, actor, type, link.connectionSerial);
  await waitUntilIdle(app, actor, sync.id);
  await deleteLink(app.store.db, { syncSerial: link.syncSerial, objectId: link.objectId });
}
