import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import type { JsonObject } from '../../scim/resource.ts';
import { enterpriseUserUrn, userSchemaUrn } from '../../scim/urns.ts';
import { composeResource, overlay } from './compose.ts';
import { needsResource, patchOperations } from './patch.ts';
import { profileOf } from './profiles.ts';
import { readFlat } from './resource-values.ts';

const work = 'emails[type eq "work"].value';
const street = 'addresses[type eq "work"].streetAddress';
const city = 'addresses[type eq "work"].locality';
const department = `${enterpriseUserUrn}:department`;
const manager = `${enterpriseUserUrn}:manager.value`;

test('a new resource has the shape that its flat names say', () => {
  const set = {
    userName: ['jdoe'],
    'name.givenName': ['Jane'],
    [work]: ['a@x', 'b@x'],
    'emails[type eq "home"].value': ['h@x'],
    [street]: ['Main Street 1'],
    [city]: ['Berlin'],
    'roles.value': ['admin'],
    [department]: ['Sales'],
    [manager]: ['7'],
    nickName: [],
  };
  expect(composeResource('user', set, undefined, { active: true })).toEqual({
    schemas: [userSchemaUrn, enterpriseUserUrn],
    active: true,
    userName: 'jdoe',
    name: { givenName: 'Jane' },
    emails: [
      { type: 'work', value: 'a@x', primary: true },
      { type: 'work', value: 'b@x' },
      { type: 'home', value: 'h@x' },
    ],
    addresses: [{ type: 'work', streetAddress: 'Main Street 1', locality: 'Berlin' }],
    roles: [{ value: 'admin' }],
    [enterpriseUserUrn]: { department: 'Sales', manager: { value: '7' } },
  });
});

test('what is written is what is read again', () => {
  const names = [
    'userName',
    'name.givenName',
    work,
    'emails[type eq "home"].value',
    street,
    city,
    department,
    manager,
  ];
  const text = fc.string({ minLength: 1 });
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.constantFrom(...names), fc.uniqueArray(text, { minLength: 1, maxLength: 3 }))),
      (pairs) => {
        const set = Object.fromEntries(
          pairs.map(([name, values]) => [name, name.startsWith('emails') ? values : values.slice(0, 1)]),
        );
        expect(readFlat(composeResource('user', set, undefined), names)).toEqual(set);
        expect(readFlat(overlay(there, set, undefined), Object.keys(set))).toEqual(set);
      },
    ),
  );
});

const there: JsonObject = {
  schemas: [userSchemaUrn],
  id: '1',
  UserName: 'jdoe',
  name: { givenName: 'Jane', middleName: 'M' },
  nickName: 'JJ',
  emails: [
    { value: 'a@x', type: 'work', display: 'kept', primary: true },
    { value: 'b@x', type: 'work' },
    { value: 'h@x', type: 'home' },
  ],
  addresses: [{ type: 'work', locality: 'Berlin' }],
};

test('an overlay changes what is named and keeps everything else', () => {
  const set = { userName: ['jane'], 'name.givenName': [], [work]: ['a@x', 'c@x'], [city]: [] };
  expect(overlay(there, set, undefined)).toEqual({
    schemas: [userSchemaUrn],
    id: '1',
    UserName: 'jane',
    name: { middleName: 'M' },
    nickName: 'JJ',
    emails: [
      { value: 'a@x', type: 'work', display: 'kept', primary: true },
      { value: 'h@x', type: 'home' },
      { type: 'work', value: 'c@x' },
    ],
  });
});

const profile = (name: 'standard' | 'slack') => profileOf({ profile: name, url: 'https://x.example' });

test('a PATCH has one operation for each attribute, and lists whole', () => {
  const set = {
    userName: ['jane'],
    'name.givenName': [],
    [work]: ['c@x'],
    [department]: ['Sales'],
    [city]: [],
  };
  expect(needsResource(set, undefined)).toBe(true);
  expect(needsResource({ userName: ['jane'], [department]: [] }, undefined)).toBe(false);
  const emails = [
    { value: 'h@x', type: 'home', primary: true },
    { type: 'work', value: 'c@x' },
  ];
  expect(patchOperations(set, false, there, { shape: undefined, profile: profile('standard') })).toEqual([
    { op: 'remove', path: 'name.givenName' },
    { op: 'remove', path: 'addresses' },
    { op: 'replace', path: 'userName', value: 'jane' },
    { op: 'replace', path: 'emails', value: emails },
    { op: 'replace', path: department, value: 'Sales' },
    { op: 'replace', path: 'active', value: false },
  ]);
  expect(patchOperations(set, false, there, { shape: undefined, profile: profile('slack') })).toEqual([
    { op: 'remove', path: 'name.givenName' },
    { op: 'remove', path: 'addresses' },
    {
      op: 'replace',
      value: { userName: 'jane', emails, active: false, [enterpriseUserUrn]: { department: 'Sales' } },
    },
  ]);
});
