import { LockstepError } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import {
  claimActionBatch,
  confirmActionBatch,
  deleteActionBatchRow,
  deleteUnconfirmedBatches,
  endActionBatch,
  findActionBatch,
  insertActionBatch,
  selectActionBatches,
  selectPendingBatches,
  type ActionBatchRow,
  type ActionBatchStatus,
  type CreatedResource,
} from '../store/queries/action-batches.ts';
import { findAccount } from '../store/queries/installation.ts';
import { lockTenant } from '../store/queries/tenant.ts';
import { requireRole, type Actor } from './actor.ts';
import type { Application, Transaction } from './application.ts';
import { holdCaller } from './authentication.ts';
import { applicationWithin } from './transaction-application.ts';

/** Batches of a tenant that may wait to be carried out at a time. */
const mostPending = 5;
/** Milliseconds after which a batch that nobody confirmed is forgotten: a week. */
const unconfirmedLife = 7 * 86_400_000;
const mostListed = 1000;

/** One write of a batch. What it means is up to the API that took it. */
export interface BatchAction {
  readonly resource: string;
  readonly operation: string;
  readonly body: unknown;
}

export interface ActionBatch extends Omit<ActionBatchRow, 'sealedActions'> {
  readonly actions: readonly BatchAction[];
}

/** What an action came to. `afterwards` is done once all actions of the batch are for good. */
export interface Performed {
  readonly created?: CreatedResource | undefined;
  readonly afterwards?: (() => Promise<unknown>) | undefined;
}

/** Carries one action out, with an application that works inside the batch's transaction. */
export type PerformAction = (within: Application, actor: Actor, action: BatchAction) => Promise<Performed>;

/** How an error of an action is told. */
export type TellError = (error: unknown) => string;

function showBatch(app: Application, row: ActionBatchRow): ActionBatch {
  const { sealedActions, ...rest } = row;
  const actions = JSON.parse(
    app.vault.open(sealedActions, row.id, `action batch ${row.serial}`),
  ) as BatchAction[];
  return { ...rest, actions };
}

/** @throws LockstepError NotFound. */
export async function getActionBatch(app: Application, actor: Actor, serial: number): Promise<ActionBatch> {
  const row = await findActionBatch(app.store.db, actor.tenantId, serial);
  if (row === undefined) throw new LockstepError('NotFound', `there is no action batch ${serial}`);
  return showBatch(app, row);
}

/** The newest batches of the tenant. */
export async function listActionBatches(
  app: Application,
  actor: Actor,
  statuses: readonly ActionBatchStatus[] | undefined,
): Promise<ActionBatch[]> {
  const rows = await selectActionBatches(app.store.db, actor.tenantId, statuses, mostListed);
  return rows.map((row) => showBatch(app, row));
}

/**
 * Keeps a batch; one that is confirmed waits to be carried out.
 * @throws LockstepError Conflict while as many wait as may.
 */
export async function addActionBatch(
  app: Application,
  actor: Actor,
  wanted: {
    readonly confirmed: boolean;
    readonly synchronous: boolean;
    readonly actions: readonly BatchAction[];
  },
): Promise<ActionBatch> {
  requireRole(actor, 'operator');
  const createdAt = app.clock.now();
  const id = newId('actionBatch', createdAt.getTime());
  const serial = await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    await holdCaller(trx, actor);
    await deleteUnconfirmedBatches(trx, actor.tenantId, new Date(createdAt.getTime() - unconfirmedLife));
    if (wanted.confirmed) await requireRoom(applicationWithin(app, trx), actor);
    return insertActionBatch(trx, {
      id,
      tenantId: actor.tenantId,
      accountId: actor.accountId,
      status: wanted.confirmed ? 'pending' : 'unconfirmed',
      synchronous: wanted.synchronous,
      sealedActions: app.vault.seal(JSON.stringify(wanted.actions), id),
      createdAt,
    });
  });
  return getActionBatch(app, actor, serial);
}

async function requireRoom(app: Application, actor: Actor): Promise<void> {
  const pending = await selectPendingBatches(app.store.db, actor.tenantId);
  if (pending.length < mostPending) return;
  throw new LockstepError('Conflict', `There are already ${mostPending} executing batches`, {
    remedy: 'Wait until one of them has ended.',
  });
}

/** Lets a batch be carried out that was only kept. @throws LockstepError NotFound; Conflict. */
export async function confirmBatch(
  app: Application,
  actor: Actor,
  serial: number,
  synchronous: boolean,
): Promise<void> {
  requireRole(actor, 'operator');
  await app.store.transaction(async (trx) => {
    await lockTenant(trx, actor.tenantId);
    const within = applicationWithin(app, trx);
    const batch = await getActionBatch(within, actor, serial);
    if (batch.status !== 'unconfirmed') return;
    await requireRoom(within, actor);
    await confirmActionBatch(trx, actor.tenantId, serial, synchronous);
  });
}

/** @throws LockstepError NotFound; Conflict while it waits to be carried out. */
export async function deleteActionBatch(app: Application, actor: Actor, serial: number): Promise<void> {
  requireRole(actor, 'operator');
  await getActionBatch(app, actor, serial);
  if (await deleteActionBatchRow(app.store.db, actor.tenantId, serial)) return;
  throw new LockstepError('Conflict', `action batch ${serial} is being carried out`);
}

/** Batches of the tenant that wait to be carried out, oldest first: also those that a dead process left. */
export async function pendingBatches(app: Application, actor: Actor): Promise<number[]> {
  return selectPendingBatches(app.store.db, actor.tenantId);
}

/** A batch acts for who asked for it, whoever it is that sets it going. */
async function getOwner(trx: Transaction, accountId: string): Promise<Actor> {
  const owner = await findAccount(trx, accountId);
  if (owner === undefined) throw new LockstepError('NotFound', 'there is no such account any more');
  return owner;
}

/**
 * Carries a pending batch out: its actions in order in one transaction, all of them or none. A process that dies leaves
 * it pending, as if nothing had happened. What its actions are refused for is kept with the batch and not thrown.
 */
export async function carryOutBatch(
  app: Application,
  actor: Actor,
  serial: number,
  perform: PerformAction,
  tellError: TellError,
): Promise<void> {
  const afterwards: (() => Promise<unknown>)[] = [];
  try {
    await app.store.transaction(async (trx) => {
      const row = await claimActionBatch(trx, actor.tenantId, serial);
      if (row === undefined) return;
      const within = applicationWithin(app, trx);
      const owner = await getOwner(trx, row.accountId);
      const createdResources: CreatedResource[] = [];
      for (const action of showBatch(app, row).actions) {
        const performed = await perform(within, owner, action);
        if (performed.created !== undefined) createdResources.push(performed.created);
        if (performed.afterwards !== undefined) afterwards.push(performed.afterwards);
      }
      await endActionBatch(trx, actor.tenantId, serial, {
        status: 'completed',
        errors: [],
        createdResources,
      });
    });
  } catch (error) {
    const end = { status: 'failed' as const, errors: [tellError(error)], createdResources: [] };
    await endActionBatch(app.store.db, actor.tenantId, serial, end);
    // A defect is not the client's business alone.
    if (!(error instanceof LockstepError) || error.kind === 'bug') throw error;
    return;
  }
  await Promise.allSettled(afterwards.map(async (work) => work()));
}
