import { expect, test } from 'vitest';
import type { Attributes } from '../../directory/attributes.ts';
import type { ExternalObject } from '../../sync/connector.ts';
import { readShape } from './discovery.ts';
import { profileOf } from './profiles.ts';
import { projectResource } from './project.ts';

const enterprise = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const standard = profileOf({ profile: 'standard', url: 'https://x.example' });
const without = { shape: undefined, profile: standard };

function existing(attributes: Attributes, name = 'jdoe'): ExternalObject {
  return { reference: '1', location: '1', parents: [], name, attributes };
}

test('without a schema everything is taken, single where SCIM is single', () => {
  const given = {
    userName: ['jdoe'],
    title: ['a', 'b'],
    'emails[type eq "work"].value': ['a@x', 'b@x'],
    'addresses[type eq "work"].locality': ['Berlin', 'Rome'],
    'name.givenName': [' '],
    nickName: [Buffer.from([0xff])],
  };
  expect(projectResource('user', given, null, without)).toEqual({
    name: 'jdoe',
    attributes: {
      userName: ['jdoe'],
      title: ['a'],
      'emails[type eq "work"].value': ['a@x', 'b@x'],
      'addresses[type eq "work"].locality': ['Berlin'],
    },
  });
});

test('what only the service sets, and the state of the account, is not set by a mapping', () => {
  const given = {
    userName: ['jdoe'],
    id: ['5'],
    active: ['true'],
    'meta.version': ['1'],
    'groups.value': ['g'],
  };
  expect(Object.keys(projectResource('user', given, null, without).attributes)).toEqual(['userName']);
});

const schema = (attributes: object[]): object => ({
  id: 'urn:ietf:params:scim:schemas:core:2.0:User',
  attributes: [{ name: 'userName', type: 'string' }, ...attributes],
});
const shape = readShape('user', [
  schema([
    { name: 'title', mutability: 'readOnly' },
    { name: 'nickName', mutability: 'immutable' },
    { name: 'password', mutability: 'writeOnly', returned: 'never' },
    {
      name: 'emails',
      type: 'complex',
      multiValued: true,
      subAttributes: [{ name: 'value' }, { name: 'type' }],
    },
    {
      name: 'x509Certificates',
      type: 'complex',
      multiValued: true,
      subAttributes: [{ name: 'value', type: 'binary' }],
    },
    { name: 'level', type: 'integer' },
    { name: 'hired', type: 'dateTime' },
  ]),
]);
const withSchema = { shape, profile: standard };

test('a schema says what there is, and of what type', () => {
  const given = {
    userName: ['jdoe'],
    title: ['x'],
    displayName: ['not there'],
    externalId: ['user_1'],
    password: ['secret'],
    level: ['007', 'x'],
    hired: ['2026-01-01T00:00:00Z'],
    'emails[type eq "work"].value': ['a@x'],
    'emails[type eq "work"].display': ['not there'],
    'x509Certificates.value': [Buffer.from([1, 2, 0xff])],
    [`${enterprise}:department`]: ['not there'],
  };
  expect(projectResource('user', given, null, withSchema).attributes).toEqual({
    userName: ['jdoe'],
    externalId: ['user_1'],
    password: ['secret'],
    level: ['7'],
    hired: ['2026-01-01T00:00:00Z'],
    'emails[type eq "work"].value': ['a@x'],
    'x509Certificates.value': ['AQL/'],
  });
});

test('a value that the service shows in another spelling is the same', () => {
  const before = {
    userName: ['JDoe'],
    'emails.value': ['A@X.org', 'b@x.org'],
    'phoneNumbers.value': ['tel:+49-30-1234'],
    displayName: ['Rene\u0301'],
    title: ['boss'],
    hired: ['2026-01-01T00:00:00.000Z'],
    nickName: ['first'],
  };
  const given = {
    userName: ['jdoe'],
    'emails.value': ['a@x.org', 'c@x.org'],
    'phoneNumbers.value': ['+49 (30) 1234'],
    displayName: ['Ren\u00e9'],
    title: ['Boss'],
  };
  expect(projectResource('user', given, existing(before, 'JDoe'), without)).toEqual({
    name: 'JDoe',
    attributes: {
      userName: ['JDoe'],
      'emails.value': ['A@X.org', 'c@x.org'],
      'phoneNumbers.value': ['tel:+49-30-1234'],
      displayName: ['Rene\u0301'],
      title: ['Boss'],
    },
  });
  const dated = {
    userName: ['jdoe'],
    hired: ['2026-01-01T01:00:00+01:00'],
    nickName: ['second'],
    password: ['secret'],
  };
  expect(projectResource('user', dated, existing(before), withSchema).attributes).toEqual({
    userName: ['JDoe'],
    hired: ['2026-01-01T00:00:00.000Z'],
    nickName: ['first'],
  });
});

test('a name is demanded, and what a profile demands', () => {
  expect(() => projectResource('user', { title: ['x'] }, null, without)).toThrow(/no value for userName/);
  expect(() => projectResource('group', {}, null, without)).toThrow(/no value for displayName/);
  const aws = { shape: undefined, profile: profileOf({ profile: 'aws', url: 'https://x.example' }) };
  const given = { userName: ['jdoe'], displayName: ['J'], 'name.givenName': ['J'] };
  expect(() => projectResource('user', given, null, aws)).toThrow(/no value for name.familyName/);
  expect(() => projectResource('user', given, existing({}), aws)).not.toThrow();
});

test('a profile with single elements keeps the first', () => {
  const aws = { shape: undefined, profile: profileOf({ profile: 'aws', url: 'https://x.example' }) };
  const given = {
    userName: ['jdoe'],
    'phoneNumbers[type eq "work"].value': ['1', '2'],
    'phoneNumbers[type eq "mobile"].value': ['3'],
    'addresses[type eq "work"].locality': ['Berlin'],
    'addresses[type eq "work"].region': ['BE'],
    'photos.value': ['https://x'],
  };
  expect(projectResource('user', given, existing({}), aws).attributes).toEqual({
    userName: ['jdoe'],
    'phoneNumbers[type eq "work"].value': ['1'],
    'addresses[type eq "work"].locality': ['Berlin'],
    'addresses[type eq "work"].region': ['BE'],
  });
});
