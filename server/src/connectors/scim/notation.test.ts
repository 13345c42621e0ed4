import { expect, test } from 'vitest';
import { enterpriseUserUrn, userSchemaUrn } from '../../scim/urns.ts';
import { parseNotation } from './notation.ts';
import { readFlat } from './resource-values.ts';

test.each([
  ['userName', {}, 'userName', [], undefined],
  ['name.givenName', {}, 'name', [], 'givenName'],
  [`${userSchemaUrn}:title`, {}, 'title', [], undefined],
  [`${enterpriseUserUrn}:manager.value`, { extension: enterpriseUserUrn }, 'manager', [], 'value'],
  ['emails[type eq "work"].value', {}, 'emails', [{ subAttribute: 'type', value: 'work' }], 'value'],
  [
    'emails[type eq "a\\"] and b" and primary eq true]',
    {},
    'emails',
    [
      { subAttribute: 'type', value: 'a"] and b' },
      { subAttribute: 'primary', value: true },
    ],
    undefined,
  ],
])('%s is understood', (text, { extension }: { extension?: string }, attribute, where, subAttribute) => {
  expect(parseNotation(text)).toEqual({ text, extension, attribute, where, subAttribute });
});

test.each([
  '',
  'emails[',
  'emails[type co "x"]',
  'a b',
  'emails[type eq work]',
  'emails[type eq "work" or primary eq true]',
  'name..x',
  'urn:x',
])('%j is refused', (text) => {
  expect(() => parseNotation(text)).toThrow(/does not name an attribute/);
});

test('values are read by what their names say, whatever the case and shape of the answer', () => {
  const resource = {
    USERNAME: 'jdoe',
    name: { GivenName: 'Jane' },
    emails: [
      { value: 'a@x', type: 'Work', primary: 'True' },
      { value: 'b@x', type: 'home' },
      { value: 'a@x', type: 'work' },
    ],
    phoneNumbers: { value: '1', type: 'work' },
    roles: ['admin', { value: 'user' }],
    title: '',
    active: true,
    [enterpriseUserUrn.toUpperCase()]: { manager: { value: '7' } },
  };
  const names = [
    'userName',
    'name.givenName',
    'emails.value',
    'emails[type eq "work"].value',
    'emails[primary eq true].value',
    'emails[primary eq false].value',
    'phoneNumbers[type eq "work"].value',
    'roles',
    'title',
    'active',
    `${enterpriseUserUrn}:manager.value`,
    `${enterpriseUserUrn}:manager`,
  ];
  expect(readFlat(resource, names)).toEqual({
    userName: ['jdoe'],
    'name.givenName': ['Jane'],
    'emails.value': ['a@x', 'b@x'],
    'emails[type eq "work"].value': ['a@x'],
    'emails[primary eq true].value': ['a@x'],
    'emails[primary eq false].value': ['b@x', 'a@x'],
    'phoneNumbers[type eq "work"].value': ['1'],
    roles: ['admin', 'user'],
    active: ['true'],
    [`${enterpriseUserUrn}:manager.value`]: ['7'],
    [`${enterpriseUserUrn}:manager`]: ['7'],
  });
});
