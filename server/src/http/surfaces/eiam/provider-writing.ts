import type { Actor } from '../../../app/actor.ts';
import type { Application } from '../../../app/application.ts';
import {
  changeProvider,
  createProvider,
  type Provider,
  type ProviderChange,
} from '../../../app/providers.ts';
import { pathsOfUnits } from '../../../app/unit-addresses.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { EiamError, invalidParameter, resourceNotFound } from './errors.ts';
import { compileSettings, compileSync, unitsOf } from './provider-compile.ts';
import { annotationName, directionOf, isEnabled, readRecord, type ProviderRecord } from './provider-model.ts';

/** What was said is at fault, and not what was made of it: names the parameter that it came from. */
function toParameter(error: unknown, record: ProviderRecord): unknown {
  if (!(error instanceof LockstepError) || error.kind !== 'invalid') return error;
  const scopes = directionOf(record.type) === 'ingress' ? 'UdSyncScopeConfig' : 'UdSyncScopeConfigs';
  const field = error.field ?? '';
  const places: readonly (readonly [RegExp, string])[] = [
    [/schedule/, 'PeriodicSyncConfig'],
    [/filter/, 'LdapUdPullConfig'],
    [/scopes/, scopes],
    [/fingerprints/, 'LdapConfig.CertificateFingerprints'],
  ];
  const place =
    error.code === 'InvalidSchedule' ? 'PeriodicSyncConfig' : places.find(([at]) => at.test(field))?.[1];
  return invalidParameter(place ?? 'LdapConfig', error.message);
}

async function resolveUnits(app: Application, actor: Actor, record: ProviderRecord) {
  try {
    return await pathsOfUnits(app, actor, unitsOf(record));
  } catch (error) {
    if (error instanceof LockstepError && error.code === 'NotFound')
      throw resourceNotFound('OrganizationalUnit');
    throw error;
  }
}

interface Writing {
  readonly record: ProviderRecord;
  readonly enabled: boolean;
  readonly displayName?: string | undefined;
  readonly password?: string | undefined;
}

async function compile(app: Application, actor: Actor, writing: Writing): Promise<ProviderChange> {
  const { record, enabled, displayName, password } = writing;
  const paths = await resolveUnits(app, actor, record);
  const sync = compileSync(record, paths);
  return {
    displayName,
    settings: compileSettings(record),
    secrets: password === undefined || password === '' ? undefined : { password },
    sync: sync && { ...sync, enabled },
    scopeUnits: paths,
    annotations: { [annotationName]: { ...record, enabled } },
  };
}

/** Makes the connection, and the sync if there is a scope. */
export async function writeNewProvider(
  app: Application,
  actor: Actor,
  record: ProviderRecord,
  displayName: string,
  password: string | undefined,
): Promise<Provider> {
  try {
    const change = await compile(app, actor, { record, enabled: true, displayName, password });
    // Without a scope nothing is read: the root is enough to test the connection.
    const settings = { baseDn: '', ...change.settings };
    return await createProvider(app, actor, 'ldap', { ...change, settings, displayName });
  } catch (error) {
    throw toParameter(error, record);
  }
}

export interface ProviderRewrite {
  readonly record: ProviderRecord;
  readonly displayName?: string | undefined;
  readonly password?: string | undefined;
}

/**
 * Brings connection and sync to what the record says.
 * @throws EiamError for what was made elsewhere and is no LDAP connection.
 */
export async function rewriteProvider(
  app: Application,
  actor: Actor,
  provider: Provider,
  rewrite: ProviderRewrite,
): Promise<void> {
  if (provider.connection.type !== 'ldap') {
    throw new EiamError(
      409,
      'OperationDenied.UnsupportedIdentityProvider',
      'It can be changed elsewhere only.',
    );
  }
  try {
    const change = await compile(app, actor, { ...rewrite, enabled: isEnabled(provider) });
    await changeProvider(app, actor, provider, change);
  } catch (error) {
    throw toParameter(error, rewrite.record);
  }
}

/** Switches synchronization on or off and leaves all else as it is; before there is a scope it is only noted. */
export async function switchProvider(
  app: Application,
  actor: Actor,
  provider: Provider,
  enabled: boolean,
): Promise<void> {
  const { sync } = provider;
  const noted = { [annotationName]: { ...readRecord(provider), enabled } };
  await changeProvider(app, actor, provider, {
    sync: sync && { direction: sync.direction, enabled },
    annotations: sync === undefined ? noted : {},
  });
}
