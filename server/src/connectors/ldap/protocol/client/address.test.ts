import { expect, test } from 'vitest';
import { parseLdapUrl, renderAddress } from './address.ts';

test.each([
  // RFC 4516 section 4
  [
    'ldap:///o=University%20of%20Michigan,c=US',
    { dn: 'o=University of Michigan,c=US', host: 'localhost', port: 389 },
  ],
  ['ldap://ldap1.example.net/o=University%20of%20Michigan,c=US', { host: 'ldap1.example.net' }],
  ['ldap://ldap1.example.net/o=U?postalAddress', { attributes: ['postalAddress'] }],
  [
    'ldap://ldap1.example.net:6666/o=U,c=US??sub?(cn=Babs%20Jensen)',
    { port: 6666, scope: 'sub', filter: '(cn=Babs Jensen)' },
  ],
  [
    'LDAP://ldap1.example.com/c=GB?objectClass?ONE',
    { dn: 'c=GB', scope: 'one', attributes: ['objectClass'] },
  ],
  ['ldap://ldap2.example.com/o=Question%3f,c=US?mail', { dn: 'o=Question?,c=US', attributes: ['mail'] }],
  [
    'ldap://ldap3.example.com/o=Babsco,c=US???(four-octet=%5c00%5c00%5c00%5c04)',
    { filter: String.raw`(four-octet=\00\00\00\04)` },
  ],
  ['ldap:///??sub??e-bindname=cn=Manager%2cdc=example%2cdc=com', { scope: 'sub', criticalExtensions: [] }],
  [
    'ldap:///??sub??!e-bindname=cn=Manager%2cdc=example%2cdc=com',
    { criticalExtensions: ['!e-bindname=cn=Manager%2cdc=example%2cdc=com'] },
  ],
  ['ldaps://[2001:db8::7]:1636/', { host: '2001:db8::7', port: 1636, dn: undefined }],
  ['ldaps://host', { host: 'host', port: 636 }],
  ['ldap://ldap_1.bücher.example.:1389', { host: 'ldap_1.bücher.example.', port: 1389 }],
])('%s', (text, wanted) => {
  const { address, ...rest } = parseLdapUrl(text);
  expect({ ...address, ...rest }).toMatchObject(wanted);
  expect(parseLdapUrl(renderAddress(address)).address).toEqual(address);
});

test('a local socket', () => {
  expect(parseLdapUrl('ldapi://%2Frun%2Fslapd%2Fldapi').address).toEqual({
    scheme: 'ldapi',
    path: '/run/slapd/ldapi',
  });
});

test.each([
  '',
  'http://a',
  'ldap:a',
  'ldap://a:0',
  'ldap://a:70000',
  'ldap://a:b',
  'ldap://a/%zz',
  'ldap://a/??tree',
  'ldap://[::g]/',
  'ldap://a b',
  'ldap://a..b',
  'ldap://a,b',
  `ldap://${'a'.repeat(64)}`,
])('refused: %s', (text) => {
  expect(() => parseLdapUrl(text)).toThrow(expect.objectContaining({ code: 'InvalidConfiguration' }));
});
