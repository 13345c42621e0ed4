import { describe, expect, test } from 'vitest';
import { scimProfiles } from '../profile.ts';
import { enterpriseUserUrn, userSchemaUrn } from '../urns.ts';
import { attribute } from './attribute.ts';
import { normalizeReplacement } from './normalize-replacement.ts';
import { normalizeResource } from './normalize.ts';
import { createSchemaRegistry, extendRegistry, getResourceModel } from './registry.ts';

const registry = createSchemaRegistry();
const model = getResourceModel(registry, 'User');
const { strict, entra } = scimProfiles;
const base = { schemas: [userSchemaUrn], userName: 'a' };
const normalize = (body: unknown, profile = strict) => normalizeResource(body, model, { profile });
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('an incoming resource', () => {
  test('gets the names and the form of its schema, and loses what only the server sets', () => {
    const { resource, ignored } = normalize({
      SCHEMAS: [userSchemaUrn],
      USERNAME: 'a',
      id: '7',
      meta: { version: 'x' },
      groups: [{ value: 'g' }],
      Name: { FAMILYNAME: 'B', nick: 'x', givenName: null },
      emails: [{ Value: 'a@b' }, null, {}],
      phoneNumbers: [],
      shoeSize: 43,
      [enterpriseUserUrn.toUpperCase()]: { Department: 'Sales', manager: { value: 'm', displayName: 'M' } },
    });
    expect(resource).toEqual({
      schemas: [userSchemaUrn, enterpriseUserUrn],
      userName: 'a',
      name: { familyName: 'B' },
      emails: [{ value: 'a@b' }],
      [enterpriseUserUrn]: { department: 'Sales', manager: { value: 'm' } },
    });
    expect(ignored).toEqual(['name.nick', 'shoeSize']);
  });

  test('keeps what the server sets where it is an answer', () => {
    const body = { id: '7', meta: { created: '2020-01-01T00:00:00Z' } };
    const { resource } = normalizeResource(body, model, { profile: entra, readOnly: 'keep', partial: true });
    expect(resource).toEqual({ ...body, schemas: [userSchemaUrn] });
  });

  test('has a value once, in its latest form', () => {
    const emails = [
      { value: 'a@b', type: 'work' },
      { value: 'A@B', type: 'home' },
      { value: 'A@B', type: 'WORK', primary: true },
    ];
    expect(normalize({ ...base, emails }).resource['emails']).toEqual([emails[2], emails[1]]);
  });

  test.each([
    ['InvalidSyntax', 'text'],
    ['InvalidSyntax', { userName: 'a' }],
    ['InvalidSyntax', { schemas: [enterpriseUserUrn], userName: 'a' }],
    ['RequiredValueMissing', { schemas: [userSchemaUrn] }],
    ['RequiredValueMissing', { ...base, userName: '' }],
    ['RequiredValueMissing', { ...base, userName: ' \t' }],
    ['InvalidValue', { ...base, userName: ['a'] }],
    ['InvalidValue', { ...base, userName: 7 }],
    ['InvalidValue', { ...base, active: 'true' }],
    ['InvalidValue', { ...base, name: 'Ann' }],
    ['InvalidValue', { ...base, emails: { value: 'a@b' } }],
    ['InvalidValue', { ...base, emails: ['a@b'] }],
    ['InvalidValue', { ...base, x509Certificates: [{ value: 'not base64!' }] }],
    [
      'InvalidValue',
      {
        ...base,
        emails: [
          { value: 'a', primary: true },
          { value: 'b', primary: true },
        ],
      },
    ],
  ])('is refused with %s: %j', (expected, body) => {
    expect(() => normalize(body)).toThrow(code(expected));
  });

  test('is understood as the profile allows', () => {
    const body = { userName: 7, active: 'False', emails: ['a@b'], [enterpriseUserUrn]: { manager: 'm' } };
    expect(normalize(body, entra).resource).toMatchObject({
      userName: '7',
      active: false,
      emails: [{ value: 'a@b' }],
      [enterpriseUserUrn]: { manager: { value: 'm' } },
    });
  });

  test('cannot reach what is no attribute', () => {
    const body: unknown = JSON.parse('{"userName":"a","__proto__":{"admin":true},"constructor":1}');
    const { resource, ignored } = normalize(body, entra);
    expect(resource).toEqual({ schemas: [userSchemaUrn], userName: 'a' });
    expect(ignored).toEqual(['__proto__', 'constructor']);
  });
});

describe('a schema of custom fields', () => {
  const urn = 'urn:lockstep:custom:1.0:User';
  const badge = attribute('badge', 'integer', 'Badge', { mutability: 'immutable', required: true });
  const fields = { id: urn, name: 'Custom', description: 'Custom fields', attributes: [badge] };
  const extended = getResourceModel(extendRegistry(registry, 'User', fields), 'User');
  const current = { ...base, id: '1', meta: { created: 'c' }, title: 'Dr', [urn]: { badge: 5 } };
  const replace = (body: object) =>
    normalizeReplacement({ ...base, ...body }, current, extended, { profile: strict });

  test('is checked like any other', () => {
    expect(() =>
      normalizeResource({ ...base, [urn]: { badge: 1.5 } }, extended, { profile: strict }),
    ).toThrow('badge');
    expect(() => normalizeResource({ ...base, [urn]: {} }, extended, { profile: strict })).not.toThrow();
    expect(() => extendRegistry(extendRegistry(registry, 'User', fields), 'User', fields)).toThrow(
      code('Conflict'),
    );
    const odd = { ...fields, attributes: [{ ...badge, name: '__proto__' }] };
    expect(() => extendRegistry(registry, 'User', odd)).toThrow(code('InvalidValue'));
  });

  test('a replacement keeps what is fixed, drops what it does not name, and cannot change what is set once', () => {
    expect(replace({ [urn]: { badge: 5 } }).resource).toEqual({
      ...base,
      schemas: [userSchemaUrn, urn],
      id: '1',
      meta: { created: 'c' },
      [urn]: { badge: 5 },
    });
    expect(replace({}).resource[urn]).toEqual({ badge: 5 });
    expect(() => replace({ [urn]: { badge: 6 } })).toThrow(code('NotMutable'));
  });
});
