import { describe, expect, test } from 'vitest';
import { type ScimProfile, scimProfiles } from '../profile.ts';
import type { Json, ScimResource } from '../resource.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { enterpriseUserUrn, patchOpUrn, userSchemaUrn } from '../urns.ts';
import { applyPatch } from './apply.ts';
import { parsePatchRequest } from './request.ts';

const model = getResourceModel(createSchemaRegistry(), 'User');
const jensen: ScimResource = {
  schemas: [userSchemaUrn],
  id: '1',
  userName: 'bjensen',
  name: { givenName: 'Barbara', familyName: 'Jensen' },
  active: true,
  emails: [
    { value: 'b@work.example', type: 'work', primary: true },
    { value: 'b@home.example', type: 'home' },
  ],
  addresses: [{ type: 'work', locality: 'Hollywood', region: 'CA' }],
};

function patch(operations: Json[], profile: ScimProfile = scimProfiles.strict, resource = jensen) {
  const body = { schemas: [patchOpUrn], Operations: operations };
  return applyPatch(resource, parsePatchRequest(body, profile), model, { profile });
}
const after = (operations: Json[], profile?: ScimProfile, resource?: ScimResource) =>
  patch(operations, profile, resource).resource;
const code = (expected: string) => expect.objectContaining({ code: expected }) as Error;

describe('PATCH to the letter (RFC 7644 section 3.5.2)', () => {
  test('adds without a path', () => {
    const value = { emails: [{ value: 'babs@jensen.org', type: 'other' }], nickName: 'Babs' };
    const { emails, nickName } = after([{ op: 'add', value }]);
    expect(nickName).toBe('Babs');
    expect(emails).toEqual([...(jensen['emails'] as Json[]), { value: 'babs@jensen.org', type: 'other' }]);
  });

  test('adds a value once, and changes nothing the second time', () => {
    const result = patch([{ op: 'add', path: 'emails', value: [{ value: 'B@WORK.example', type: 'Work' }] }]);
    expect(result.resource['emails']).toHaveLength(2);
    expect(patch([{ op: 'replace', path: 'active', value: true }]).changed).toBe(false);
    expect(patch([{ op: 'replace', path: 'active', value: true }]).resource).toBe(jensen);
  });

  test('adds to a complex attribute what is named, and leaves the rest', () => {
    expect(after([{ op: 'add', path: 'name', value: { middleName: 'J' } }])['name']).toEqual({
      givenName: 'Barbara',
      familyName: 'Jensen',
      middleName: 'J',
    });
  });

  test('takes primary away from the others', () => {
    const { emails } = after([
      { op: 'add', path: 'emails', value: [{ value: 'n@x', type: 'other', primary: true }] },
    ]);
    expect((emails as { primary?: boolean }[]).map(({ primary }) => primary)).toEqual([
      false,
      undefined,
      true,
    ]);
    const set = after([{ op: 'replace', path: 'emails[type eq "home"].primary', value: true }]);
    expect((set['emails'] as { primary?: boolean }[]).map(({ primary }) => primary)).toEqual([false, true]);
  });

  test('replaces the values that a filter selects', () => {
    const value = { type: 'work', streetAddress: '911 Universal City Plaza', locality: 'Los Angeles' };
    expect(after([{ op: 'replace', path: 'addresses[type eq "work"]', value }])['addresses']).toEqual([
      value,
    ]);
    const street = [
      { op: 'replace', path: 'addresses[type eq "work"].streetAddress', value: '1010 Broadway Ave' },
    ];
    expect(after(street)['addresses']).toEqual([
      { type: 'work', locality: 'Hollywood', region: 'CA', streetAddress: '1010 Broadway Ave' },
    ]);
  });

  test('replaces several attributes at once', () => {
    const value = { emails: [{ value: 'x@y', type: 'home' }], name: { familyName: 'Smith' }, title: null };
    const patched = after([{ op: 'replace', value }], scimProfiles.strict, { ...jensen, title: 'Dr' });
    expect(patched['emails']).toEqual([{ value: 'x@y', type: 'home' }]);
    expect(patched['name']).toEqual({ givenName: 'Barbara', familyName: 'Smith' });
    expect(patched).not.toHaveProperty('title');
  });

  test('removes an attribute, a sub-attribute, selected values, and a list that becomes empty', () => {
    expect(after([{ op: 'remove', path: 'name.givenName' }])['name']).toEqual({ familyName: 'Jensen' });
    expect(after([{ op: 'remove', path: 'name' }])).not.toHaveProperty('name');
    const home = after([{ op: 'remove', path: 'emails[type eq "home" and value ew ".example"]' }]);
    expect(home['emails']).toHaveLength(1);
    expect(after([{ op: 'remove', path: 'emails[value pr]' }])).not.toHaveProperty('emails');
  });

  test('keeps `schemas` true to what is there', () => {
    const added = after([{ op: 'add', path: `${enterpriseUserUrn}:department`, value: 'Sales' }]);
    expect(added[enterpriseUserUrn]).toEqual({ department: 'Sales' });
    expect(added['schemas']).toEqual([userSchemaUrn, enterpriseUserUrn]);
    const removed = after([{ op: 'remove', path: enterpriseUserUrn }], scimProfiles.strict, added);
    expect(removed).toEqual(jensen);
  });

  test('takes names in any case and writes them as they are defined', () => {
    const patched = after([{ op: 'replace', path: 'USERNAME', value: 'babs' }]);
    expect(patched).toMatchObject({ userName: 'babs' });
    expect(patched).not.toHaveProperty('USERNAME');
  });

  test.each<[string, Json]>([
    ['NoTarget', { op: 'remove' }],
    ['NoTarget', { op: 'remove', path: 'emails[type eq "other"]' }],
    ['NoTarget', { op: 'replace', path: 'emails[type eq "other"].value', value: 'x' }],
    ['NoTarget', { op: 'add', path: 'phoneNumbers[type eq "work"].value', value: 'x' }],
    ['NotMutable', { op: 'replace', path: 'id', value: '2' }],
    ['NotMutable', { op: 'replace', path: 'meta.location', value: '2' }],
    ['NotMutable', { op: 'add', value: { groups: [{ value: 'g' }] } }],
    ['NotMutable', { op: 'remove', path: 'userName' }],
    ['NotMutable', { op: 'replace', path: 'userName', value: '' }],
    ['NotMutable', { op: 'replace', path: 'userName', value: ' ' }],
    ['InvalidPath', { op: 'replace', path: 'nosuch', value: 'x' }],
    ['InvalidPath', { op: 'replace', path: 'emails[type eq work]', value: 'x' }],
    ['InvalidPath', { op: 'replace', path: 'emails[type', value: 'x' }],
    ['InvalidPath', { op: 'replace', path: 'name[givenName eq "x"]', value: {} }],
    ['InvalidPath', { op: 'add', value: { 'name.givenName': 'x' } }],
    ['InvalidValue', { op: 'replace', path: 'active', value: 'True' }],
    ['InvalidValue', { op: 'replace', path: 'active' }],
    ['InvalidValue', { op: 'add', value: 'x' }],
    ['InvalidValue', { op: 'replace', path: 'name', value: 'x' }],
    ['InvalidValue', { op: 'remove', path: 'emails', value: [{ value: 'x' }] }],
    [
      'InvalidValue',
      {
        op: 'add',
        path: 'emails',
        value: [
          { value: 'x', primary: true },
          { value: 'y', primary: true },
        ],
      },
    ],
    ['InvalidSyntax', { op: 'Replace', path: 'active', value: true }],
    ['InvalidSyntax', { op: 'move', path: 'active' }],
    ['InvalidSyntax', 'remove'],
  ])('%s for %j', (expected, operation) => {
    expect(() => patch([operation])).toThrow(code(expected));
  });

  test('does all or nothing', () => {
    const before = structuredClone(jensen);
    const operations = [
      { op: 'replace', path: 'name.givenName', value: 'X' },
      { op: 'add', path: 'emails', value: [{ value: 'z' }] },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'y' },
      { op: 'replace', path: 'id', value: 'X' },
    ];
    expect(() => patch(operations)).toThrow(code('NotMutable'));
    expect(jensen).toEqual(before);
  });

  test('refuses the body without its schema, or without operations', () => {
    expect(() => parsePatchRequest({ Operations: [] }, scimProfiles.strict)).toThrow(code('InvalidSyntax'));
    expect(() => parsePatchRequest({ Operations: [] }, scimProfiles.entra)).toThrow(code('InvalidSyntax'));
    expect(() => parsePatchRequest([], scimProfiles.entra)).toThrow(code('InvalidSyntax'));
  });

  test('gives up on a PATCH that multiplies operations by values', () => {
    const value = Array.from({ length: 1000 }, (_, at) => ({ value: `${at}` }));
    const many = Array.from({ length: 5000 }, () => ({ op: 'remove', path: 'emails[value eq "x"]' }));
    expect(() => patch([{ op: 'add', path: 'emails', value }, ...many], scimProfiles.entra)).toThrow(
      code('LimitExceeded'),
    );
  });
});
