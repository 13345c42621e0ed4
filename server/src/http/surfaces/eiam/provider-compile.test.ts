import { expect, test } from 'vitest';
import { EiamError } from './errors.ts';
import { compileSettings, compileSync, unitsOf } from './provider-compile.ts';
import type { ProviderRecord } from './provider-model.ts';

const ldap = {
  LdapServerHost: 'ldap.example.com',
  AdministratorUsername: 'cn=admin,dc=example,dc=com',
} as const;
const paths = new Map([
  ['ou_root', '/'],
  ['ou_a', '/a'],
  ['ou_b', '/b'],
]);

function record(side: 'pull' | 'push', more: Partial<ProviderRecord> = {}): ProviderRecord {
  const type = `urn:alibaba:idaas:idp:unknown:ldap:${side}`;
  return { type, ldap, pull: {}, push: {}, enabled: true, login: {}, ...more };
}

function pulling(pull: ProviderRecord['pull']): ProviderRecord {
  const UdSyncScopeConfig = { SourceScopes: ['ou=a,dc=example,dc=com'], TargetScope: 'ou_a' };
  return record('pull', { pull: { UdSyncScopeConfig, ...pull } });
}

function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof EiamError) return error.code;
    throw error;
  }
  return 'passed';
}

test('without a scope there is nothing to synchronize', () => {
  expect(compileSync(record('pull'), paths)).toBeUndefined();
  expect(compileSync(record('push'), paths)).toBeUndefined();
  expect(compileSettings(record('pull'))).not.toHaveProperty('baseDn');
});

test.each([
  [{}, 'ldap://ldap.example.com:389'],
  [{ LdapProtocol: 'ldaps' }, 'ldaps://ldap.example.com:636'],
  [{ LdapProtocol: 'ldaps', LdapServerPort: 6360 }, 'ldaps://ldap.example.com:6360'],
  [{ LdapServerHost: '2001:db8::1' }, 'ldap://[2001:db8::1]:389'],
] as const)('LdapConfig with %j is %s', (more, url) => {
  expect(compileSettings(record('pull', { ldap: { ...ldap, ...more } }))).toMatchObject({ url });
});

test('the connection covers all scopes, and no more than it must', () => {
  const SourceScopes = ['ou=x,ou=a,dc=example,dc=com', 'OU=Y,OU=A,DC=example,DC=com'];
  const settings = compileSettings(pulling({ UdSyncScopeConfig: { SourceScopes, TargetScope: 'ou_a' } }));
  expect(settings['baseDn']).toBe('ou=a,dc=example,dc=com');
  const apart = ['ou=x,dc=example,dc=com', 'ou=x,dc=example,dc=org'];
  const wide = compileSettings(pulling({ UdSyncScopeConfig: { SourceScopes: apart, TargetScope: 'ou_a' } }));
  expect(wide['baseDn']).toBe('');
});

test('top tells nothing of an entry that is read, and is written', () => {
  const classes = { UserObjectClass: 'person, top', OrganizationUnitObjectClass: 'top' };
  const read = compileSettings(pulling({ LdapUdPullConfig: classes }));
  expect(read['user']).toEqual({ readObjectClasses: ['person'] });
  expect(read['organizationalUnit']).toBeUndefined();
  const written = compileSettings(
    record('push', { push: { LdapUdPushConfig: { ...classes, UserRdn: 'cn' } } }),
  );
  expect(written['user']).toEqual({ writeObjectClasses: ['person', 'top'], rdnAttribute: 'cn' });
});

test('a threshold holds everything, and kinds without one keep their limits', () => {
  expect(compileSync(pulling({}), paths)?.guard).toBeUndefined();
  const rule = { UserDeletedThreshold: 0, GroupDeletedThreshold: 10 };
  expect(compileSync(pulling({ PullProtectedRule: rule }), paths)?.guard).toEqual({
    user: { count: 0 },
    group: { count: 10 },
    hold: 'all',
  });
});

test('groups come only when they are asked for', () => {
  expect(compileSync(pulling({}), paths)?.kinds).toEqual(['organizationalUnit', 'user']);
  expect(compileSync(pulling({ GroupSyncStatus: 'enabled' }), paths)?.kinds).toContain('membership');
});

test('filters of users and of groups become one', () => {
  const filters = { GroupObjectClass: 'group', UserObjectClassCustomFilter: '(mail=*)' };
  const filterOf = (more: object): unknown =>
    compileSync(pulling({ LdapUdPullConfig: { ...filters, ...more } }), paths)?.scopes?.[0]?.filter;
  expect(filterOf({})).toBe('(|(&(!(|(objectClass=group)))(mail=*))(|(objectClass=group)))');
  expect(filterOf({ UserObjectClassCustomFilter: '', GroupObjectClassCustomFilter: '(cn=a*)' })).toBe(
    '(|(!(|(objectClass=group)))(&(|(objectClass=group))(cn=a*)))',
  );
});

test.each([
  [{ PeriodicSyncStatus: 'disabled', PeriodicSyncConfig: { PeriodicSyncCron: '0 0 1 * * ?' } }, undefined],
  [
    { PeriodicSyncStatus: 'enabled', PeriodicSyncConfig: { PeriodicSyncCron: '0 0 1 * * ?' } },
    { cron: '0 0 1 * * ?', timeZone: 'Asia/Shanghai' },
  ],
  [
    {
      PeriodicSyncStatus: 'enabled',
      PeriodicSyncConfig: { PeriodicSyncType: 'time', PeriodicSyncTimes: [3, 5, 3] },
    },
    { hours: [3, 5], timeZone: 'Asia/Shanghai' },
  ],
  [{ IncrementalCallbackStatus: 'enabled' }, { cron: '0 0/10 * * * ?', timeZone: 'Asia/Shanghai' }],
] as const)('%j runs at %j', (pull, schedule) => {
  expect(compileSync(pulling(pull), paths)?.schedule).toEqual(schedule);
});

test('each source of a push goes to its target', () => {
  const UdSyncScopeConfigs = [
    { SourceScopes: ['ou_a'], TargetScope: 'ou=a,dc=example,dc=com' },
    { SourceScopes: ['ou_b'], TargetScope: 'ou=b,dc=example,dc=com' },
  ];
  const push = record('push', { push: { UdSyncScopeConfigs, IncrementalCallbackStatus: 'enabled' } });
  expect(unitsOf(push)).toEqual(['ou_a', 'ou_b']);
  expect(compileSync(push, paths)).toMatchObject({
    direction: 'egress',
    scopes: [
      { source: '/a', target: 'ou=a,dc=example,dc=com' },
      { source: '/b', target: 'ou=b,dc=example,dc=com' },
    ],
    continuous: true,
  });
});

test.each([
  [{}, {}, undefined],
  [{ PasswordSyncStatus: 'enabled' }, {}, true],
  [{ PasswordSyncStatus: 'enabled' }, { PasswordSyncStatus: 'disabled' }, undefined],
  [{}, { PasswordSyncStatus: 'enabled' }, true],
] as const)(
  'a push with %j in the LDAP settings and %j of its own writes passwords: %j',
  (ldap, own, passwords) => {
    const UdSyncScopeConfigs = [{ SourceScopes: ['ou_a'], TargetScope: 'ou=a,dc=example,dc=com' }];
    const made = record('push', { ldap, push: { UdSyncScopeConfigs, LdapUdPushConfig: own } });
    expect(compileSync(made, paths)?.passwords).toBe(passwords);
  },
);

test.each([
  [() => compileSettings(record('pull', { ldap: {} })), 'MissingParameter.LdapConfig.LdapServerHost'],
  [
    () => compileSettings(record('pull', { ldap: { ...ldap, CertificateFingerprintStatus: 'enabled' } })),
    'MissingParameter.LdapConfig.CertificateFingerprints',
  ],
  [
    () => compileSync(pulling({ PeriodicSyncStatus: 'enabled' }), paths),
    'MissingParameter.PeriodicSyncConfig.PeriodicSyncCron',
  ],
  [
    () => compileSettings(pulling({ UdSyncScopeConfig: { SourceScopes: ['no dn'], TargetScope: 'ou_a' } })),
    'InvalidParameter.UdSyncScopeConfig.SourceScopes',
  ],
])('what cannot be is refused (%#)', (work, code) => {
  expect(codeOf(work)).toBe(code);
});
