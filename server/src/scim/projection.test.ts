import { describe, expect, test } from 'vitest';
import { includesAttribute, parseProjection, type ProjectionRequest, projectResource } from './projection.ts';
import { attribute } from './schema/attribute.ts';
import { createSchemaRegistry, extendRegistry, getResourceModel } from './schema/registry.ts';
import { enterpriseUserUrn, userSchemaUrn } from './urns.ts';

const urn = 'urn:x:1.0:User';
const model = getResourceModel(
  extendRegistry(createSchemaRegistry(), 'User', {
    id: urn,
    name: 'X',
    description: 'X',
    attributes: [
      attribute('secret', 'string', 'On request', { returned: 'request' }),
      attribute('badge', 'string', 'Always', { returned: 'always' }),
    ],
  }),
  'User',
);
const user = {
  schemas: [userSchemaUrn],
  id: '1',
  userName: 'a',
  password: 'p',
  name: { familyName: 'B', givenName: 'A' },
  emails: [{ value: 'a@b', type: 'work' }, { type: 'home' }],
  [enterpriseUserUrn]: { department: 'Sales', costCenter: '7' },
  [urn]: { secret: 's', badge: 'b' },
};
const project = (request: ProjectionRequest) => projectResource(user, model, parseProjection(request, model));
const always = { schemas: [userSchemaUrn], id: '1', [urn]: { badge: 'b' } };

describe('the attributes of an answer (RFC 7644 section 3.9)', () => {
  test('are the default ones where nothing is asked for', () => {
    const { password: _never, ...rest } = user;
    expect(project({})).toEqual({ ...rest, [urn]: { badge: 'b' } });
  });

  test('are those asked for, beside those that always come', () => {
    expect(project({ attributes: 'username' })).toEqual({ ...always, userName: 'a' });
    expect(project({ attributes: ['name.familyName', 'emails.value'] })).toEqual({
      ...always,
      name: { familyName: 'B' },
      emails: [{ value: 'a@b' }],
    });
    expect(project({ attributes: `${enterpriseUserUrn}:department, ${urn}:secret` })).toEqual({
      ...always,
      [enterpriseUserUrn]: { department: 'Sales' },
      [urn]: { secret: 's', badge: 'b' },
    });
    expect(project({ attributes: enterpriseUserUrn })).toEqual({
      ...always,
      [enterpriseUserUrn]: user[enterpriseUserUrn],
    });
    expect(project({ attributes: 'password,nosuch' })).toEqual(always);
  });

  test('are all but those excluded, which cannot be those that always come', () => {
    const excludedAttributes = ['id', 'emails', 'name.givenName', enterpriseUserUrn, `${urn}:badge`];
    expect(project({ excludedAttributes })).toEqual({ ...always, userName: 'a', name: { familyName: 'B' } });
  });

  test('cannot be asked for and excluded at once', () => {
    expect(() => project({ attributes: 'id', excludedAttributes: 'name' })).toThrow(
      expect.objectContaining({ code: 'InvalidValue' }) as Error,
    );
  });

  test('say whether something has to be loaded at all', () => {
    const group = getResourceModel(createSchemaRegistry(), 'Group');
    const loads = (request: ProjectionRequest) =>
      includesAttribute(parseProjection(request, group), group, 'members');
    expect([loads({}), loads({ attributes: 'members.value' })]).toEqual([true, true]);
    expect([loads({ excludedAttributes: 'members' }), loads({ attributes: 'displayName' })]).toEqual([
      false,
      false,
    ]);
  });
});
