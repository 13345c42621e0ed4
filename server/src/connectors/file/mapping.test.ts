import { expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { ldapConnector } from '../ldap/connector.ts';
import { defaultMapping } from './mapping.ts';

const ldap = ldapConnectionSchema.parse({
  type: 'ldap',
  url: 'ldap://x',
  baseDn: '',
  user: { writeObjectClasses: ['inetOrgPerson', 'posixAccount'] },
  group: { writeObjectClasses: ['groupOfNames', 'posixGroup'] },
});

test.each(['ingress', 'egress'] as const)('%s of LDIF is that of a server', (direction) => {
  expect(defaultMapping(direction, 'ldif')).toEqual(ldapConnector.defaultMapping(direction, ldap));
});

test('names of other objects are read and written', () => {
  for (const format of ['ldif', 'csv', 'jsonl'] as const) {
    expect(defaultMapping('ingress', format).user).toHaveProperty('manager');
    expect(defaultMapping('egress', format).user).toHaveProperty('manager');
  }
});
