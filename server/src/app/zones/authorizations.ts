import { LockstepError } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import {
  deleteZoneAuthorizationRow,
  insertZoneAuthorization,
  lockZoneAuthorization,
  selectZoneAuthorizations,
  updateZoneAuthorization,
  type ZoneAuthorizationRow,
} from '../../store/queries/zone-authorizations.ts';
import { requireRole, type Actor } from '../actor.ts';
import type { Application, Executor, Transaction } from '../application.ts';
import { getPerson, getPersonByEmail, type Person } from '../people.ts';
import { showSlice, type ListPage, type SliceView } from '../slice-view.ts';
import { applicationWithin } from '../transaction-application.ts';
import { getZoneBySerial } from './zones.ts';

/** What an authorization is at a moment: it holds, it is yet to begin, it ran out, or somebody ended it. */
export type AuthorizationStatus = 'authorized' | 'pending' | 'expired' | 'revoked';

/** That a user may enter a zone. */
export interface Authorization extends ZoneAuthorizationRow {
  readonly status: AuthorizationStatus;
}

function statusAt(row: ZoneAuthorizationRow, now: Date): AuthorizationStatus {
  if (row.revokedAt !== null) return 'revoked';
  if (row.expiresAt !== null && row.expiresAt <= now) return 'expired';
  return row.startsAt > now ? 'pending' : 'authorized';
}

export async function listAuthorizations(
  app: Application,
  actor: Actor,
  userSerials: readonly number[],
  page: ListPage,
): Promise<SliceView<Authorization>> {
  const now = app.clock.now();
  const slice = await selectZoneAuthorizations(app.store.db, actor.tenantId, userSerials, page);
  return showSlice(slice, (row) => ({ ...row, status: statusAt(row, now) }));
}

/** Who is meant: by e-mail address or by serial. */
export interface PersonAddress {
  readonly email?: string | undefined;
  readonly userSerial?: number | undefined;
}

/** @throws LockstepError InvalidRequest when neither is given, or they name different people; NotFound. */
async function getAddressed(app: Application, actor: Actor, address: PersonAddress): Promise<Person> {
  const { email, userSerial } = address;
  if (email === undefined && userSerial === undefined) {
    throw new LockstepError('InvalidRequest', 'either an e-mail address or a user must be given', {
      field: 'email',
    });
  }
  const bySerial = userSerial === undefined ? undefined : await getPerson(app, actor, userSerial);
  const byEmail = email === undefined ? undefined : await getPersonByEmail(app, actor, email);
  if (bySerial !== undefined && byEmail !== undefined && bySerial.id !== byEmail.id) {
    throw new LockstepError('InvalidRequest', `the address ${email} is not that of user ${userSerial}`, {
      field: 'email',
    });
  }
  return (bySerial ?? byEmail) as Person;
}

function checkSpan(startsAt: Date, expiresAt: Date | null): void {
  if (expiresAt === null || expiresAt > startsAt) return;
  throw new LockstepError('InvalidRequest', 'an authorization must not end before it begins', {
    field: 'expiresAt',
  });
}

async function getRow(executor: Executor, actor: Actor, serial: number): Promise<ZoneAuthorizationRow> {
  const row = await lockZoneAuthorization(executor, actor.tenantId, { serial });
  if (row === undefined) throw new LockstepError('NotFound', `there is no authorization ${serial}`);
  return row;
}

async function show(
  app: Application,
  trx: Transaction,
  actor: Actor,
  serial: number,
): Promise<Authorization> {
  const row = await getRow(trx, actor, serial);
  return { ...row, status: statusAt(row, app.clock.now()) };
}

export interface NewAuthorization extends PersonAddress {
  readonly zoneSerial: number;
  /** Undefined: now. */
  readonly startsAt?: Date | undefined;
  /** Undefined: for good. */
  readonly expiresAt?: Date | undefined;
}

/**
 * Lets a user into a zone; who has a standing authorization there gets that one changed.
 * @throws LockstepError NotFound for the zone or the user; InvalidRequest.
 */
export async function createAuthorization(
  app: Application,
  actor: Actor,
  wanted: NewAuthorization,
): Promise<Authorization> {
  requireRole(actor, 'operator');
  return app.store.transaction(async (trx) => {
    const zone = await getZoneBySerial(trx, actor, wanted.zoneSerial);
    const person = await getAddressed(applicationWithin(app, trx), actor, wanted);
    const startsAt = wanted.startsAt ?? app.clock.now();
    const expiresAt = wanted.expiresAt ?? null;
    checkSpan(startsAt, expiresAt);
    const standing = { userId: person.id, zoneId: zone.id };
    const existing = await lockZoneAuthorization(trx, actor.tenantId, { standing });
    if (existing !== undefined) {
      await updateZoneAuthorization(trx, existing.serial, { startsAt, expiresAt, revokedAt: null });
      return show(app, trx, actor, existing.serial);
    }
    const serial = await insertZoneAuthorization(trx, {
      ...standing,
      id: newId('authorization', app.clock.now().getTime()),
      tenantId: actor.tenantId,
      startsAt,
      expiresAt,
      authorizer: actor.accountName,
    });
    return show(app, trx, actor, serial);
  });
}

/** Which authorization: by serial, or the standing one of a user in a zone. */
export interface AuthorizationAddress extends PersonAddress {
  readonly serial?: number | undefined;
  readonly zoneSerial?: number | undefined;
}

async function getAddressedRow(
  app: Application,
  trx: Transaction,
  actor: Actor,
  address: AuthorizationAddress,
): Promise<ZoneAuthorizationRow> {
  if (address.serial !== undefined) return getRow(trx, actor, address.serial);
  if (address.zoneSerial === undefined) {
    throw new LockstepError('InvalidRequest', 'either an authorization or a zone must be given', {
      field: 'authorizationId',
    });
  }
  const zone = await getZoneBySerial(trx, actor, address.zoneSerial);
  const person = await getAddressed(applicationWithin(app, trx), actor, address);
  const standing = { userId: person.id, zoneId: zone.id };
  const row = await lockZoneAuthorization(trx, actor.tenantId, { standing });
  if (row !== undefined) return row;
  throw new LockstepError('NotFound', `user ${person.serial} has no authorization in zone ${zone.name}`);
}

export interface AuthorizationChange extends AuthorizationAddress {
  readonly startsAt?: Date | undefined;
  /** null: for good. */
  readonly expiresAt?: Date | null | undefined;
}

/**
 * Changes the span of an authorization; one that is named by its serial moves to the zone that is named with it.
 * @throws LockstepError NotFound; InvalidRequest.
 */
export async function updateAuthorization(
  app: Application,
  actor: Actor,
  change: AuthorizationChange,
): Promise<Authorization> {
  requireRole(actor, 'operator');
  return app.store.transaction(async (trx) => {
    const row = await getAddressedRow(app, trx, actor, change);
    const moved = change.zoneSerial !== undefined && change.zoneSerial !== row.zoneSerial;
    const zone = moved ? await getZoneBySerial(trx, actor, change.zoneSerial) : undefined;
    const startsAt = change.startsAt ?? row.startsAt;
    const expiresAt = change.expiresAt === undefined ? row.expiresAt : change.expiresAt;
    checkSpan(startsAt, expiresAt);
    const { revokedAt } = row;
    await updateZoneAuthorization(trx, row.serial, { zoneId: zone?.id, startsAt, expiresAt, revokedAt });
    return show(app, trx, actor, row.serial);
  });
}

/** Ends an authorization and keeps its record; ending it twice is no error. @throws LockstepError NotFound. */
export async function revokeAuthorization(
  app: Application,
  actor: Actor,
  address: AuthorizationAddress,
): Promise<void> {
  requireRole(actor, 'operator');
  await app.store.transaction(async (trx) => {
    const row = await getAddressedRow(app, trx, actor, address);
    if (address.zoneSerial !== undefined && address.zoneSerial !== row.zoneSerial)
      throw new LockstepError('NotFound', `authorization ${row.serial} is not in zone ${address.zoneSerial}`);
    if (row.revokedAt !== null) return;
    const { serial, startsAt, expiresAt } = row;
    await updateZoneAuthorization(trx, serial, { startsAt, expiresAt, revokedAt: app.clock.now() });
  });
}

/** Deletes an authorization with its record. @throws LockstepError NotFound. */
export async function deleteAuthorization(app: Application, actor: Actor, serial: number): Promise<void> {
  requireRole(actor, 'operator');
  await app.store.transaction(async (trx) => {
    const row = await getRow(trx, actor, serial);
    await deleteZoneAuthorizationRow(trx, row.serial);
  });
}
