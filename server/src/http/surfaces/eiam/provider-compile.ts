import type { ScheduleConfiguration } from '@lockstep/contract/configuration.ts';
import { kinds, type Kind } from '@lockstep/contract/vocabulary.ts';
import type { ProviderChange } from '../../../app/providers.ts';
import { isWithin, parentDn, parseDn, renderDn, type Dn } from '../../../directory/dn/dn.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import { invalidParameter, missingParameter } from './errors.ts';
import { directionOf, isActiveDirectory, type ProviderRecord } from './provider-model.ts';
import type { PeriodicSync, PullConfiguration } from './provider-parameters.ts';

/** The time zone of cron expressions and hours: the API does not say, and its home is there. */
const timeZone = 'Asia/Shanghai';
/** Incremental pulling looks for changes this often. */
const everyTenMinutes: ScheduleConfiguration = { cron: '0 0/10 * * * ?', timeZone };

/** Object classes of a comma-separated list. */
function classesOf(list: string | undefined): string[] | undefined {
  const names = (list ?? '').split(',').map((name) => name.trim());
  const given = names.filter((name) => name !== '');
  return given.length === 0 ? undefined : given;
}

/** Classes that tell what an entry is: every entry has `top`. */
function tellingClasses(list: string | undefined): string[] | undefined {
  const telling = (classesOf(list) ?? []).filter((name) => name.toLowerCase() !== 'top');
  return telling.length === 0 ? undefined : telling;
}

function readDn(text: string, parameter: string): Dn {
  try {
    return parseDn(text);
  } catch (error) {
    if (!(error instanceof LockstepError)) throw error;
    throw invalidParameter(parameter, error.message);
  }
}

/** The nodes outside: where is read from, or written to. */
function outerNodes(record: ProviderRecord): Dn[] {
  if (directionOf(record.type) === 'ingress') {
    const sources = record.pull.UdSyncScopeConfig?.SourceScopes ?? [];
    return sources.map((source) => readDn(source, 'UdSyncScopeConfig.SourceScopes'));
  }
  const scopes = record.push.UdSyncScopeConfigs ?? [];
  return scopes.map(({ TargetScope }) => readDn(TargetScope, 'UdSyncScopeConfigs.TargetScope'));
}

/** The nearest node that all nodes lie under: what the connection's own node must be. */
function commonNode(nodes: readonly Dn[]): string {
  let common = nodes[0] ?? null;
  while (common !== null && !nodes.every((node) => isWithin(node, common as Dn))) common = parentDn(common);
  return common === null ? '' : renderDn(common);
}

function urlOf({ ldap }: ProviderRecord): string {
  const { LdapServerHost: host, LdapProtocol: protocol = 'ldap' } = ldap;
  if (host === undefined || host === '') throw missingParameter('LdapConfig.LdapServerHost');
  const port = ldap.LdapServerPort ?? (protocol === 'ldaps' ? 636 : 389);
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** Pinned certificates take the place of an authority. */
function tlsOf({ ldap }: ProviderRecord): Record<string, unknown> | undefined {
  if (ldap.CertificateFingerprintStatus === 'disabled') return { verify: true };
  if (ldap.CertificateFingerprintStatus !== 'enabled') return undefined;
  const fingerprints = ldap.CertificateFingerprints ?? [];
  if (fingerprints.length === 0) throw missingParameter('LdapConfig.CertificateFingerprints');
  return { verify: false, fingerprints };
}

function reading(list: string | undefined): Record<string, unknown> | undefined {
  const readObjectClasses = tellingClasses(list);
  return readObjectClasses && { readObjectClasses };
}

function writing(list: string | undefined, rdnAttribute?: string): Record<string, unknown> | undefined {
  const writeObjectClasses = classesOf(list);
  if (writeObjectClasses === undefined && !rdnAttribute) return undefined;
  return { ...(writeObjectClasses && { writeObjectClasses }), ...(rdnAttribute && { rdnAttribute }) };
}

function kindSettings(record: ProviderRecord): Record<string, unknown> {
  if (directionOf(record.type) === 'ingress') {
    const shape = { ...record.ldap, ...record.pull.LdapUdPullConfig };
    return {
      user: reading(shape.UserObjectClass),
      organizationalUnit: reading(shape.OrganizationUnitObjectClass),
      group: reading(shape.GroupObjectClass),
    };
  }
  const shape = { ...record.ldap, ...record.push.LdapUdPushConfig };
  return {
    user: writing(shape.UserObjectClass, shape.UserRdn),
    organizationalUnit: writing(shape.OrganizationUnitObjectClass, shape.OrganizationalUnitRdn),
    group: writing(record.ldap.GroupObjectClass),
  };
}

/** The connection that an identity provider stands for; undefined members are left as they are. */
export function compileSettings(record: ProviderRecord): Record<string, unknown> {
  const bindDn = record.ldap.AdministratorUsername;
  const nodes = outerNodes(record);
  return {
    url: urlOf(record),
    bindDn: bindDn === '' ? undefined : bindDn,
    startTls: record.ldap.StartTlsStatus === 'enabled',
    tls: tlsOf(record),
    ...(nodes.length === 0 ? {} : { baseDn: commonNode(nodes) }),
    ...(isActiveDirectory(record.type) ? { externalIdAttribute: 'objectGUID' } : {}),
    ...kindSettings(record),
  };
}

function scheduleOf(
  status: string | undefined,
  config: PeriodicSync | undefined,
): ScheduleConfiguration | undefined {
  if (status !== 'enabled') return undefined;
  const { PeriodicSyncCron: cron, PeriodicSyncTimes: hours } = config ?? {};
  const type = config?.PeriodicSyncType ?? (hours === undefined ? 'cron' : 'time');
  if (type === 'time') {
    if (hours === undefined || hours.length === 0)
      throw missingParameter('PeriodicSyncConfig.PeriodicSyncTimes');
    return { hours: [...new Set(hours)], timeZone };
  }
  if (!cron) throw missingParameter('PeriodicSyncConfig.PeriodicSyncCron');
  return { cron, timeZone };
}

function anyClass(names: readonly string[]): string {
  return `(|${names.map((name) => `(objectClass=${name})`).join('')})`;
}

const groupClasses = ['groupOfNames', 'groupOfUniqueNames', 'groupOfMembers', 'posixGroup', 'group'];

/** One filter for both: users must pass theirs, groups theirs (RFC 4515). */
function filterOf(record: ProviderRecord): string | undefined {
  const shape = { ...record.ldap, ...record.pull.LdapUdPullConfig };
  const { UserObjectClassCustomFilter: user, GroupObjectClassCustomFilter: group } = shape;
  if (!user && !group) return undefined;
  const isGroup = anyClass(tellingClasses(shape.GroupObjectClass) ?? groupClasses);
  const users = user ? `(&(!${isGroup})${user})` : `(!${isGroup})`;
  return `(|${users}${group ? `(&${isGroup}${group})` : isGroup})`;
}

type Paths = ReadonlyMap<string, string>;
type SyncChange = NonNullable<ProviderChange['sync']>;

const peopleKinds: Kind[] = ['organizationalUnit', 'user'];
const everyKind: Kind[] = [...kinds];

/** Strictly more than a threshold holds everything; kinds without one keep the limits that every sync has. */
function guardOf(rule: PullConfiguration['PullProtectedRule']): SyncChange['guard'] {
  if (rule === undefined) return undefined;
  const limits = {
    user: rule.UserDeletedThreshold,
    organizationalUnit: rule.OrganizationalUnitDeletedThreshold,
    group: rule.GroupDeletedThreshold,
  };
  const named = Object.entries(limits).filter(([, count]) => count !== undefined);
  return { ...Object.fromEntries(named.map(([kind, count]) => [kind, { count }])), hold: 'all' };
}

function compilePull(record: ProviderRecord, paths: Paths): SyncChange | undefined {
  const { pull } = record;
  const scope = pull.UdSyncScopeConfig;
  if (scope === undefined) return undefined;
  const target = paths.get(scope.TargetScope) ?? '/';
  const filter = filterOf(record);
  return {
    direction: 'ingress',
    scopes: scope.SourceScopes.map((source) => ({ source, target, ...(filter && { filter }) })),
    kinds: pull.GroupSyncStatus === 'enabled' ? everyKind : peopleKinds,
    onMissing: 'delete',
    guard: guardOf(pull.PullProtectedRule),
    schedule:
      pull.IncrementalCallbackStatus === 'enabled'
        ? everyTenMinutes
        : scheduleOf(pull.PeriodicSyncStatus, pull.PeriodicSyncConfig),
  };
}

function writesPasswords({ ldap, push }: ProviderRecord): boolean {
  return { ...ldap, ...push.LdapUdPushConfig }.PasswordSyncStatus === 'enabled';
}

function compilePush(record: ProviderRecord, paths: Paths): SyncChange | undefined {
  const { push } = record;
  const configs = push.UdSyncScopeConfigs ?? [];
  if (configs.length === 0) return undefined;
  return {
    direction: 'egress',
    scopes: configs.flatMap(({ SourceScopes, TargetScope }) =>
      SourceScopes.map((source) => ({ source: paths.get(source) ?? '/', target: TargetScope })),
    ),
    kinds: tellingClasses(record.ldap.GroupObjectClass) === undefined ? peopleKinds : everyKind,
    onMissing: 'delete',
    schedule: scheduleOf(push.PeriodicSyncStatus, push.PeriodicSyncConfig),
    continuous: push.IncrementalCallbackStatus === 'enabled',
    passwords: writesPasswords(record) ? true : undefined,
  };
}

/** Ids of the organizational units that a record names. */
export function unitsOf(record: ProviderRecord): string[] {
  if (directionOf(record.type) === 'ingress') {
    const target = record.pull.UdSyncScopeConfig?.TargetScope;
    return target === undefined ? [] : [target];
  }
  return (record.push.UdSyncScopeConfigs ?? []).flatMap(({ SourceScopes }) => [...SourceScopes]);
}

/**
 * The sync that an identity provider stands for; undefined as long as it has no scope: a sync without one would be a
 * sync of everything.
 * @param paths of the units that it names
 */
export function compileSync(record: ProviderRecord, paths: Paths): SyncChange | undefined {
  return directionOf(record.type) === 'ingress' ? compilePull(record, paths) : compilePush(record, paths);
}
