import { describe, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { objectKinds } from '@lockstep/contract/vocabulary.ts';
import type { Mapping } from '../../mapping/rules.ts';
import { ldapConnector } from './connector.ts';

function mapping(direction: 'ingress' | 'egress', more: Record<string, unknown> = {}): Mapping {
  const settings = ldapConnectionSchema.parse({ type: 'ldap', url: 'ldap://x', baseDn: 'dc=x', ...more });
  return ldapConnector.defaultMapping(direction, settings);
}

describe('the default mapping', () => {
  test('egress is the inverse of ingress', () => {
    const everything = {
      user: { writeObjectClasses: ['inetOrgPerson', 'posixAccount'] },
      group: { writeObjectClasses: ['groupOfNames', 'posixGroup'] },
    };
    const ingress = mapping('ingress');
    const egress = mapping('egress', everything);
    for (const kind of objectKinds) {
      const there = Object.entries(ingress[kind]).map(([directory, rule]) => [
        directory,
        'from' in rule && rule.from[0],
      ]);
      const back = Object.entries(egress[kind]).map(([ldap, rule]) => ['from' in rule && rule.from[0], ldap]);
      expect(back).toEqual(there);
    }
  });

  test('reads the user name from uid, and from cn where there is no uid', () => {
    expect(mapping('ingress').user['username']).toEqual({ from: ['uid', 'cn'] });
  });

  test('writes posix attributes only with the posix classes', () => {
    const posix = ['uidNumber', 'gidNumber', 'homeDirectory', 'loginShell', 'gecos'];
    expect(Object.keys(mapping('egress').user).filter((name) => posix.includes(name))).toEqual([]);
    const more = { user: { writeObjectClasses: ['inetOrgPerson', 'POSIXACCOUNT'] } };
    expect(Object.keys(mapping('egress', more).user)).toEqual(expect.arrayContaining(posix));
  });

  test('leaves the attribute of the account state alone', () => {
    const more = { disabled: { attribute: 'employeetype', value: 'locked' } };
    expect(mapping('egress', more).user).not.toHaveProperty('employeeType');
    expect(mapping('ingress', more).user).not.toHaveProperty('employeeType');
  });
});

describe('names and nodes', () => {
  test('nodes contain each other whatever their spelling', async () => {
    const settings = ldapConnectionSchema.parse({ type: 'ldap', url: 'ldap://x', baseDn: 'dc=x' });
    const endpoint = await ldapConnector.open(settings, { baseDirectory: '/', secret: () => undefined });
    expect(endpoint.contains('DC=X', 'ou=a\\,b, dc=x')).toBe(true);
    expect(endpoint.contains('ou=a,dc=x', 'ou=ba,dc=x')).toBe(false);
    expect(endpoint.contains('ou=a,dc=x', 'dc=x')).toBe(false);
    expect(endpoint.sameName('UID=J\\2c Doe', 'uid=j\\, doe')).toBe(true);
    expect(endpoint.sameName('uid=a', 'cn=a')).toBe(false);
    expect(endpoint.normaliseReference('CN=Boss , dc=X')).toBe('cn=boss,dc=x');
    expect(endpoint.normaliseReference('the boss')).toBeNull();
    expect(endpoint.normaliseReference('')).toBeNull();
    expect(ldapConnector.rootNode(settings)).toBe('dc=x');
  });
});
