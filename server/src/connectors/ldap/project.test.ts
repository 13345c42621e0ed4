import { describe, expect, test } from 'vitest';
import { ldapConnectionSchema } from '@lockstep/contract/connection-configuration.ts';
import type { ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../directory/attributes.ts';
import type { ExternalObject, Projected } from '../../sync/connector.ts';
import { resolveShape } from './config.ts';
import { projectEntry } from './project.ts';

function project(
  kind: ObjectKind,
  attributes: Attributes,
  existing: ExternalObject | null = null,
  more: Record<string, unknown> = {},
): Projected {
  const settings = ldapConnectionSchema.parse({ type: 'ldap', url: 'ldap://x', baseDn: 'dc=x', ...more });
  return projectEntry(resolveShape(settings), kind, attributes, existing);
}

function existing(name: string, attributes: Attributes): ExternalObject {
  return { reference: name.toLowerCase(), location: `${name},dc=x`, parents: [], name, attributes };
}

describe('a new entry', () => {
  test('is named by the first value of the configured attribute, escaped', () => {
    expect(project('user', { uid: ['a, b', 'c'], cn: ['x'], sn: ['y'] }).name).toBe('uid=a\\, b');
    const byMail = { user: { rdnAttribute: 'mail' } };
    expect(project('user', { uid: ['a'], mail: ['m@x'] }, null, byMail).name).toBe('mail=m@x');
    expect(project('organizationalUnit', { ou: ['#1 '] }).name).toBe('ou=\\#1\\ ');
  });

  test('gets the values that its classes demand', () => {
    expect(project('user', { uid: ['jdoe'], displayName: ['Jane van Doe'] }).attributes).toEqual({
      uid: ['jdoe'],
      displayName: ['Jane van Doe'],
      cn: ['Jane van Doe'],
      sn: ['Doe'],
      objectClass: ['inetOrgPerson', 'organizationalPerson', 'person', 'top'],
    });
    expect(project('user', { uid: ['jdoe'] }).attributes).toMatchObject({ cn: ['jdoe'], sn: ['jdoe'] });
  });

  test('has no empty texts, which no Directory String may be, and takes the next best name instead', () => {
    const { attributes } = project('user', {
      uid: ['jdoe'],
      cn: [''],
      displayName: [''],
      title: ['', 'Dr.'],
      mail: [''],
    });
    expect(attributes).toMatchObject({ cn: ['jdoe'], sn: ['jdoe'], title: ['Dr.'], mail: [''] });
    expect(attributes).not.toHaveProperty('displayName');
  });

  test('gets of values that are the same to a server the first', () => {
    const values = {
      uid: ['a'],
      cn: ['Ann  Lee', 'ann lee ', 'Ann'],
      sn: ['Lee'],
      telephoneNumber: ['+49 30-1', '+49301', '+49302'],
      labeledURI: ['http://x/A', 'http://x/a'],
    };
    expect(project('user', values).attributes).toMatchObject({
      cn: ['Ann  Lee', 'Ann'],
      telephoneNumber: ['+49 30-1', '+49302'],
      labeledURI: ['http://x/A', 'http://x/a'],
    });
  });

  test('gets none for what is mapped by another name', () => {
    const { attributes } = project('user', { userid: ['jdoe'], commonName: ['Jane'], surname: ['Doe'] });
    expect(Object.keys(attributes)).toEqual(['userid', 'commonName', 'surname', 'objectClass']);
  });

  test('without a name, or without what nobody can make up, is refused by the attribute’s name', () => {
    expect(() => project('user', { cn: ['x'] })).toThrow(
      expect.objectContaining({ code: 'RequiredValueMissing', field: 'uid' }),
    );
    const posix = { user: { writeObjectClasses: ['inetOrgPerson', 'posixAccount'] } };
    expect(() => project('user', { uid: ['a'] }, null, posix)).toThrow(
      expect.objectContaining({ code: 'RequiredValueMissing', field: 'uidNumber' }),
    );
    const numbers = { uidNumber: ['1'], gidNumber: ['1'] };
    expect(project('user', { uid: ['a'], ...numbers }, null, posix).attributes['homeDirectory']).toEqual([
      '/home/a',
    ]);
  });
});

describe('an entry that exists', () => {
  const objectClass = ['top', 'INETORGPERSON'];

  test('keeps the attribute and the value of its name as long as the value is wanted', () => {
    const found = existing('cn=Jane', { objectClass, cn: ['Jane', 'J'] });
    expect(project('user', { uid: ['jdoe'], cn: ['J', 'JANE'] }, found).name).toBe('cn=Jane');
    expect(project('user', { uid: ['jdoe'], cn: ['J'] }, found).name).toBe('cn=J');
  });

  test('with a name of several attributes keeps them all', () => {
    const found = existing('cn=Jane+uid=jd', { objectClass, cn: ['Jane'], uid: ['jd'] });
    expect(project('user', { uid: ['jdoe'], cn: ['Jane'] }, found).name).toBe('cn=Jane+uid=jdoe');
  });

  test('keeps a value that names it though none is wanted, and does not touch one that is not mapped', () => {
    const mapped = project(
      'user',
      { uid: ['jdoe'] },
      existing('employeeNumber=7', { objectClass, employeeNumber: ['7'] }),
    );
    expect(mapped).toMatchObject({ name: 'employeeNumber=7', attributes: { employeeNumber: ['7'] } });
    const unmapped = project('user', { uid: ['jdoe'] }, existing('employeeNumber=7', { objectClass }));
    expect(unmapped.attributes).not.toHaveProperty('employeeNumber');
  });

  test('keeps its object classes and gets auxiliary ones only', () => {
    const posix = { user: { writeObjectClasses: ['inetOrgPerson', 'posixAccount', 'top'] } };
    const values = {
      uid: ['a'],
      cn: ['a'],
      sn: ['a'],
      uidNumber: ['1'],
      gidNumber: ['1'],
      homeDirectory: ['/a'],
    };
    const found = existing('uid=a', { ...values, objectClass: ['inetOrgPerson'] });
    expect(project('user', values, found, posix).attributes['objectClass']).toEqual([
      'inetOrgPerson',
      'posixAccount',
    ]);
    const unique = existing('cn=g', { objectClass: ['groupOfUniqueNames'] });
    expect(project('group', { cn: ['g'] }, unique).attributes['objectClass']).toEqual(['groupOfUniqueNames']);
  });

  test('that is a group gets nothing that its own structural class cannot hold', () => {
    const values = { cn: ['g'], gidNumber: ['7'], owner: ['cn=o,dc=x'], o: ['X'] };
    const written = (found: Attributes): string[] =>
      Object.keys(project('group', values, existing('cn=g', { cn: ['g'], ...found })).attributes);
    expect(written({ objectClass: ['groupOfNames'] })).toEqual(['cn', 'owner', 'o', 'objectClass']);
    expect(written({ objectClass: ['top', 'posixGroup'] })).toEqual(['cn', 'gidNumber', 'objectClass']);
    expect(written({ objectClass: ['posixGroup', 'groupOfMembers'] })).toEqual([
      'cn',
      'gidNumber',
      'owner',
      'o',
      'objectClass',
    ]);
    expect(written({ objectClass: ['top', 'group'] })).toContain('gidNumber');
    const derived = { objectClass: ['adminGroup'], gidnumber: ['6'] };
    expect(written(derived)).toContain('gidNumber');
  });

  test('gets no fallback for what it has and is not mapped', () => {
    const found = existing('uid=a', { objectClass, uid: ['a'] });
    expect(project('user', { uid: ['a'] }, found).attributes).toEqual({ uid: ['a'], objectClass });
  });

  test('keeps the spelling that the server has for the names of others', () => {
    const there = existing('uid=a', { uid: ['a'], cn: ['A'], seeAlso: ['cn=b\\2Cc,dc=x', 'cn=d,dc=x'] });
    const seeAlso = (...values: string[]): unknown =>
      project('user', { uid: ['a'], cn: ['A'], sn: ['A'], seeAlso: values }, there).attributes['seeAlso'];
    expect(seeAlso('CN=D, DC=x', 'CN=B\\,C,dc=x')).toEqual(there.attributes['seeAlso']);
    expect(seeAlso('CN=D, DC=x')).toEqual(['CN=D, DC=x']);
    expect(seeAlso('CN=D, DC=x', 'none')).toEqual(['CN=D, DC=x', 'none']);
  });

  test('takes values for what the server has where one side calls text what the other one calls bytes', () => {
    const [text, bytes] = ['Chef de cuisine', new TextEncoder().encode('Chef de cuisine')];
    const names = { uid: ['a'], cn: ['A'], sn: ['A'] };
    const having = (...title: AttributeValue[]): Attributes => ({ ...names, title });
    const { attributes } = project('user', having(bytes, 'x'), existing('uid=a', having('y', text)));
    expect(attributes['title']).toEqual([text, 'x']);
    const back = project('user', having(text), existing('uid=a', having(bytes)));
    expect(back.attributes['title']).toEqual([bytes]);
  });

  test('projecting what is there gives what is there', () => {
    const attributes = { uid: ['a'], cn: ['a b'], sn: ['b'] };
    const found = existing('uid=a', { ...attributes, objectClass });
    expect(project('user', attributes, found)).toEqual({ name: 'uid=a', attributes: found.attributes });
  });
});

test('the account state is never written by a mapping', () => {
  const more = { disabled: { attribute: 'employeeType', value: 'locked' } };
  const { attributes } = project('user', { uid: ['a'], employeetype: ['locked'] }, null, more);
  expect(attributes).not.toHaveProperty('employeetype');
  const found = existing('uid=a', { objectClass: ['inetOrgPerson'], employeeType: ['locked'] });
  expect(project('user', { uid: ['a'] }, found, more).attributes['employeeType']).toEqual(['locked']);
});
