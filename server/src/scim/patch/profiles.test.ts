import { describe, expect, test } from 'vitest';
import { getScimProfile, type ScimProfile, scimProfiles } from '../profile.ts';
import type { Json, ScimResource } from '../resource.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { enterpriseUserUrn, userSchemaUrn } from '../urns.ts';
import { applyPatch } from './apply.ts';
import { parsePatchRequest } from './request.ts';

const model = getResourceModel(createSchemaRegistry(), 'User');
const user: ScimResource = { schemas: [userSchemaUrn], id: '1', userName: 'a', active: true };

function patch(profile: ScimProfile, operations: Json[], resource = user) {
  return applyPatch(resource, parsePatchRequest({ Operations: operations }, profile), model, { profile });
}

describe('Microsoft Entra ID', () => {
  const { entra } = scimProfiles;

  test('disables by a capitalised operation with a boolean as text', () => {
    const { resource } = patch(entra, [{ op: 'Replace', path: 'active', value: 'False' }]);
    expect(resource['active']).toBe(false);
  });

  test('writes to a value that the filter describes and that is not there', () => {
    const { resource } = patch(entra, [
      { op: 'Add', path: 'emails[type eq "work"].value', value: 'a@b' },
      { op: 'Add', path: 'emails[type eq "work"].primary', value: 'True' },
      { op: 'Replace', path: 'phoneNumbers[type eq "mobile"].value', value: 555 },
      { op: 'Add', path: 'addresses[type eq "work" and primary eq true].locality', value: 'Rome' },
    ]);
    expect(resource['emails']).toEqual([{ type: 'work', value: 'a@b', primary: true }]);
    expect(resource['phoneNumbers']).toEqual([{ type: 'mobile', value: '555' }]);
    expect(resource['addresses']).toEqual([{ type: 'work', primary: true, locality: 'Rome' }]);
  });

  test('gives the manager as a string, and takes it away', () => {
    const path = `${enterpriseUserUrn}:manager`;
    const { resource } = patch(entra, [{ op: 'Add', path, value: '26118915' }]);
    expect(resource[enterpriseUserUrn]).toEqual({ manager: { value: '26118915' } });
    expect(patch(entra, [{ op: 'Remove', path }], resource).resource).not.toHaveProperty([enterpriseUserUrn]);
  });

  test('sends paths as keys where there is no path', () => {
    const value = {
      'name.givenName': 'Ann',
      'emails[type eq "work"].value': 'a@b',
      [`${enterpriseUserUrn}:department`]: 'Sales',
      [enterpriseUserUrn]: { costCenter: '7' },
      displayName: 'Ann A',
    };
    expect(patch(entra, [{ op: 'Add', value }]).resource).toMatchObject({
      displayName: 'Ann A',
      name: { givenName: 'Ann' },
      emails: [{ type: 'work', value: 'a@b' }],
      [enterpriseUserUrn]: { department: 'Sales', costCenter: '7' },
    });
  });

  test('removes what is not there, and names what nobody knows: both are passed over', () => {
    const result = patch(entra, [
      { op: 'Remove', path: 'emails[type eq "work"]' },
      { op: 'Replace', path: 'urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag', value: 'x' },
      { op: 'Replace', path: 'meta.version', value: 'x' },
    ]);
    expect(result.changed).toBe(false);
    expect(result.ignored).toEqual([
      'urn:ietf:params:scim:schemas:extension:Custom:2.0:User:tag',
      'meta.version',
    ]);
  });

  test('keeps the type by which a value was selected when it is replaced', () => {
    const before = { ...user, emails: [{ type: 'work', value: 'old' }] };
    const { resource } = patch(
      entra,
      [{ op: 'Replace', path: 'emails[type eq "work"]', value: { value: 'new' } }],
      before,
    );
    expect(resource['emails']).toEqual([{ type: 'work', value: 'new' }]);
  });

  test('does not make a value that a filter does not describe', () => {
    expect(() => patch(entra, [{ op: 'Add', path: 'emails[type ne "work"].value', value: 'x' }])).toThrow(
      expect.objectContaining({ code: 'NoTarget' }) as Error,
    );
  });
});

describe('Okta', () => {
  test('disables without a path and sends read-only attributes along', () => {
    const operations = [{ op: 'replace', value: { id: '1', active: false } }];
    expect(patch(scimProfiles.okta, operations).resource['active']).toBe(false);
  });

  test('is held to the RFC in the rest', () => {
    expect(() => patch(scimProfiles.okta, [{ op: 'replace', path: 'active', value: 'False' }])).toThrow(
      'boolean',
    );
    expect(() => patch(scimProfiles.okta, [{ op: 'Replace', path: 'active', value: false }])).toThrow('"op"');
  });
});

test('a profile is named, or the nearest name is offered', () => {
  expect(getScimProfile('okta').name).toBe('okta');
  expect(() => getScimProfile('otka')).toThrow(
    expect.objectContaining({ code: 'InvalidConfiguration', remedy: 'Did you mean "okta"?' }) as Error,
  );
  expect(() => getScimProfile('toString')).toThrow('toString');
});
