import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import { LockstepError } from '../../kernel/errors.ts';
import {
  appendLog,
  drawRevision,
  lockObject,
  lockObjects,
  selectMatchAttributes,
  type LogEntry,
} from '../../store/queries/directory-writes.ts';
import { findObject, type DirectoryRow } from '../../store/queries/directory.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Transaction } from '../application.ts';

/** One transaction that writes to one tenant's directory, under one revision. */
export interface DirectoryWrite {
  readonly trx: Transaction;
  readonly tenantId: string;
  readonly revision: number;
  /** Attributes of a kind that match keys are kept of. */
  matched(kind: ObjectKind): Promise<readonly string[]>;
  log(...entries: readonly LogEntry[]): Promise<void>;
}

/** The revision that the caller last saw; undefined: whatever it is. */
export interface Expectation {
  readonly revision?: number | undefined;
}

/**
 * Runs writes in one transaction: all of them are done, or none.
 * @throws LockstepError Forbidden for an actor who is no operator.
 */
export async function writeDirectory<T>(
  app: Application,
  actor: Actor,
  work: (write: DirectoryWrite) => Promise<T>,
): Promise<T> {
  requireRole(actor, 'operator');
  const { tenantId } = actor;
  return app.store.transaction(async (trx) => {
    const known = new Map<ObjectKind, Promise<string[]>>();
    return work({
      trx,
      tenantId,
      revision: await drawRevision(trx),
      matched: async (kind) => {
        const attributes = known.get(kind) ?? selectMatchAttributes(trx, tenantId, kind);
        known.set(kind, attributes);
        return attributes;
      },
      log: async (...entries) => appendLog(trx, tenantId, entries),
    });
  });
}

function notFound(kind: ObjectKind, id: string, field: string | undefined): LockstepError {
  return new LockstepError('NotFound', `there is no ${kind} ${JSON.stringify(id)}`, { field });
}

/**
 * An object that is going to be written, locked until the transaction ends.
 * @throws LockstepError NotFound; Conflict when its revision is not the expected one.
 */
export async function lockForWrite(
  { trx, tenantId }: DirectoryWrite,
  kind: ObjectKind,
  id: string,
  expected: Expectation = {},
): Promise<DirectoryRow> {
  const there = await lockObject(trx, tenantId, kind, id, 'update');
  const row = there ? await findObject(trx, tenantId, kind, id) : undefined;
  if (row === undefined) throw notFound(kind, id, undefined);
  if (expected.revision === undefined || expected.revision === row.revision) return row;
  throw new LockstepError(
    'Conflict',
    `the object has revision ${row.revision}, and not ${expected.revision} as expected`,
    { field: 'revision', remedy: 'Read it again and decide anew.' },
  );
}

/** Locks a unit that something is put into, so that it stays. @throws LockstepError ParentNotFound. */
export async function requireUnit(
  { trx, tenantId }: DirectoryWrite,
  unitId: string | null,
  field: string,
): Promise<void> {
  if (unitId === null || (await lockObject(trx, tenantId, 'organizationalUnit', unitId, 'share'))) return;
  throw new LockstepError('ParentNotFound', `there is no organizational unit ${JSON.stringify(unitId)}`, {
    field,
  });
}

/** Locks objects that something refers to. @throws LockstepError NotFound that names the first one missing. */
export async function requireObjects(
  { trx, tenantId }: DirectoryWrite,
  kind: ObjectKind,
  ids: readonly string[],
  field?: string,
  strength: 'share' | 'update' = 'share',
): Promise<void> {
  const there = new Set(await lockObjects(trx, tenantId, kind, ids, strength));
  const missing = ids.find((id) => !there.has(id));
  if (missing !== undefined) throw notFound(kind, missing, field);
}
