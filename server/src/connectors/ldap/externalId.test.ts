import { expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import { resolveShape, type LdapShape } from './config.ts';
import { externalIdOf, externalIdValue, isLookupId } from './externalId.ts';
import { BerWriter } from './protocol/ber/writer.ts';
import { RawSearchEntry } from './protocol/messages/entry.ts';

function shape(externalIdAttribute: string): LdapShape {
  return resolveShape(
    ldapConnectionSchema.parse({ type: 'ldap', url: 'ldap://x', baseDn: 'dc=x', externalIdAttribute }),
  );
}

function entry(attribute: string, value: string | Uint8Array): RawSearchEntry {
  const writer = new BerWriter();
  writer.octets('cn=x');
  writer.begin();
  writer.begin();
  writer.octets(attribute);
  writer.begin(0x31);
  writer.octets(value);
  writer.end();
  writer.end();
  writer.end();
  const bytes = writer.take();
  return new RawSearchEntry(Buffer.from(bytes), 0, bytes.length);
}

const guid = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

test('text ids are taken as they are, and GUIDs in their usual notation', () => {
  expect(externalIdOf(entry('entryuuid', 'a-b'), shape('entryUUID'), () => 'cn=x')).toBe('a-b');
  const id = externalIdOf(entry('objectGUID', guid), shape('objectGUID'), () => 'cn=x');
  expect(id).toBe('33221100-5544-7766-8899-aabbccddeeff');
  expect(externalIdValue(id, shape('objectGUID'))).toEqual(guid);
  expect(externalIdValue('a-b', shape('entryUUID'))).toBe('a-b');
});

test('where there is none the DN stands in, or its hash when it is too long for a key', () => {
  const none = entry('cn', 'x');
  expect(externalIdOf(none, shape('entryUUID'), () => 'cn=x')).toBe('cn=x');
  const long = externalIdOf(none, shape('objectGUID'), () => `cn=${'x'.repeat(2000)}`);
  expect(long).toMatch(/^dn=sha256:[0-9a-f]{64}$/);
  expect([isLookupId('cn=x'), isLookupId(long), isLookupId('a-b')]).toEqual([false, false, true]);
});
