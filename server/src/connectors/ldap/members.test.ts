import { describe, expect, test } from 'vitest';
import { memberReference, memberReferences, placeholderValue } from './members.ts';
import { memberShape, unionClasses } from './objectClasses.ts';

describe('member references', () => {
  test('are normalised DNs, or uids in lower case', () => {
    expect(memberReference('member', 'UID=A , DC=x')).toBe('uid=a,dc=x');
    expect(memberReference('memberUid', 'JDoe')).toBe('uid:jdoe');
    expect(memberReference('uniqueMember', "uid=a,dc=x#'0101'B")).toBe('uid=a,dc=x');
    expect(memberReference('uniqueMember', 'uid=a#1,dc=x')).toBe('uid=a#1,dc=x');
    expect(memberReference('member', 'no name at all')).toBe('no name at all');
  });

  test('come once each and without placeholders', () => {
    const values = ['cn=g,dc=x', '', 'CN=Nobody,dc=x', 'uid=a,dc=x', 'UID=A,dc=x'];
    expect(memberReferences([['member', values]], 'cn=g,dc=x', 'cn=nobody,dc=x')).toEqual(['uid=a,dc=x']);
    expect(memberReferences([['member', values]], 'cn=g,dc=x', 'self')).toEqual([
      'cn=nobody,dc=x',
      'uid=a,dc=x',
    ]);
  });

  test('placeholders', () => {
    expect(['self', 'empty', 'cn=n,dc=x'].map((kind) => placeholderValue(kind, 'cn=g,dc=x'))).toEqual([
      'cn=g,dc=x',
      '',
      'cn=n,dc=x',
    ]);
  });
});

test('where groups keep members', () => {
  expect(memberShape(['top', 'GroupOfNames'])).toEqual({ attribute: 'member', demandsMember: true });
  expect(memberShape(['groupOfUniqueNames'])).toEqual({ attribute: 'uniqueMember', demandsMember: true });
  expect(memberShape(['posixGroup'])).toEqual({ attribute: 'memberUid', demandsMember: false });
  expect(memberShape(['groupOfMembers', 'posixGroup'])).toEqual({
    attribute: 'member',
    demandsMember: false,
  });
});

test('an auxiliary posixGroup joins another group class, a structural one does not', () => {
  expect(unionClasses(['groupOfNames'], ['groupOfNames', 'posixGroup'])).toEqual([
    'groupOfNames',
    'posixGroup',
  ]);
  expect(unionClasses(['groupOfNames'], ['posixGroup'])).toEqual(['groupOfNames']);
  expect(unionClasses([], ['posixGroup', 'top'])).toEqual(['posixGroup', 'top']);
});
