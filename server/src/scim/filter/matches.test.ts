import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { scimProfiles } from '../profile.ts';
import { enterpriseUserUrn, userSchemaUrn } from '../urns.ts';
import { createSchemaRegistry, getResourceModel } from '../schema/registry.ts';
import { matchesFilter } from './matches.ts';
import { parseFilter } from './parse.ts';
import { resolveFilter } from './resolve.ts';
import type { ResolvedFilter } from './resolved.ts';

const model = getResourceModel(createSchemaRegistry(), 'User');
const user = {
  schemas: [userSchemaUrn, enterpriseUserUrn],
  id: 'Ab1',
  externalId: 'X-7',
  userName: 'BJensen',
  name: { familyName: "O'Malley", givenName: '' },
  title: '',
  active: true,
  emails: [
    { value: 'b@example.com', type: 'work', primary: true },
    { value: 'B@Home.org', type: 'home' },
  ],
  addresses: [],
  meta: { lastModified: '2011-05-13T04:42:34Z' },
  [enterpriseUserUrn]: { department: 'Sales', manager: { value: 'M1' } },
};

const resolve = (text: string, profile = scimProfiles.strict, unknown: 'reject' | 'absent' = 'reject') =>
  resolveFilter(parseFilter(text, { profile }), model, { profile, unknown });
const matches = (text: string, resource = user) => matchesFilter(resolve(text), resource);

const absent = (text: string) => matchesFilter(resolve(text, scimProfiles.strict, 'absent'), user);

describe('matching a resource', () => {
  test.each([
    ['userName eq "bjensen"', true],
    ['USERNAME eq "bjensen"', true],
    ['userName ne "bjensen"', false],
    ['id eq "ab1"', false],
    ['id eq "Ab1"', true],
    ['externalId eq "x-7"', false],
    ['urn:ietf:params:scim:schemas:core:2.0:User:userName sw "bj"', true],
    [`${enterpriseUserUrn}:department ew "LES"`, true],
    [`${enterpriseUserUrn}:manager eq "M1"`, true],
    [`${enterpriseUserUrn}:manager.value eq "m1"`, false],
    [`name.familyName co "o'm"`, true],
    ['name pr', true],
    ['title pr', false],
    ['name.givenName pr', false],
    ['addresses pr', false],
    ['emails co "example"', true],
    ['emails.type eq "home"', true],
    ['emails[type eq "work" and value co "@example.com"]', true],
    ['emails[type eq "home" and value co "@example.com"]', false],
    ['emails[primary eq true].value sw "b@"', true],
    ['emails[not (type eq "work")]', true],
    ['emails.value ne "b@example.com"', true],
    ['phoneNumbers.value ne "1"', true],
    ['phoneNumbers.value eq "1"', false],
    ['displayName eq null', true],
    ['userName ne null', true],
    ['active eq true', true],
    ['not (active eq true)', false],
    ['meta.lastModified eq "2011-05-13T06:42:34+02:00"', true],
    ['meta.lastModified gt "2011-05-13T04:42:33.9999999Z"', true],
    ['meta.lastModified lt "2011-05-13T04:42:34Z"', false],
    ['userName gt "a" and userName lt "c"', true],
    [`schemas eq "${enterpriseUserUrn}"`, true],
    [`schemas[value eq "${enterpriseUserUrn}"]`, true],
  ])('%s: %s', (text, expected) => {
    expect(matches(text)).toBe(expected);
  });

  test.each([
    'unknown eq "x"',
    'department eq "Sales"',
    'name eq "x"',
    'active gt true',
    'active eq "true"',
    'active co "t"',
    'userName eq 1',
    'title gt null',
    'meta.lastModified gt "yesterday"',
    'meta.lastModified co "2011"',
    'emails.value[type pr]',
    'emails[urn:x:value pr]',
    'x509Certificates.value gt "AA=="',
  ])('refuses %s', (text) => {
    expect(() => resolve(text)).toThrow(expect.objectContaining({ code: 'InvalidFilter' }) as Error);
  });

  test('lets values be text where the profile does', () => {
    expect(matchesFilter(resolve('active eq "True"', scimProfiles.entra), user)).toBe(true);
    expect(matchesFilter(resolve('externalId eq 7', scimProfiles.entra), { externalId: '7' })).toBe(true);
  });

  test('takes an unknown attribute for one without a value where that is asked for', () => {
    expect([absent('x eq "a"'), absent('x pr'), absent('x ne "a"'), absent('x eq null')]).toEqual([
      false,
      false,
      true,
      true,
    ]);
  });

  test('finds attributes in whatever case a resource has them', () => {
    expect(matches('userName eq "x"', { USERNAME: 'X' } as unknown as typeof user)).toBe(true);
  });
});

const not = (operand: ResolvedFilter): ResolvedFilter => ({ kind: 'not', operand });

const chain = (kind: 'and' | 'or', ...operands: ResolvedFilter[]): ResolvedFilter => ({ kind, operands });

describe('laws of matching', () => {
  const leaf = fc
    .constantFrom(
      'title pr',
      'userName sw "a"',
      'emails.type eq "work"',
      'active eq true',
      'emails[value co "a"]',
    )
    .map((text) => resolve(text));
  const resource = fc.record(
    {
      title: fc.constantFrom('', 'Dr'),
      userName: fc.constantFrom('anna', 'Bob'),
      active: fc.boolean(),
      emails: fc.array(
        fc.record(
          { type: fc.constantFrom('work', 'home'), value: fc.constantFrom('a', 'b') },
          { requiredKeys: [] },
        ),
      ),
    },
    { requiredKeys: [] },
  );

  test('not not and de Morgan', () => {
    fc.assert(
      fc.property(leaf, leaf, resource, (a, b, r) => {
        expect(matchesFilter(not(not(a)), r)).toBe(matchesFilter(a, r));
        expect(matchesFilter(not(chain('and', a, b)), r)).toBe(matchesFilter(chain('or', not(a), not(b)), r));
        expect(matchesFilter(not(chain('or', a, b)), r)).toBe(matchesFilter(chain('and', not(a), not(b)), r));
        expect(matchesFilter(chain('and', a, b), r)).toBe(matchesFilter(chain('and', b, a), r));
      }),
    );
  });
});
