import { describe, expect, test } from 'vitest';
import type { ExternalObject } from '../../sync/connector.ts';
import { cleanNickname, uniqueNickname } from './nickname.ts';
import { principalName } from './principal-name.ts';
import { projectObject } from './project.ts';
import { propertiesOf } from './properties.ts';

const domains = { verified: new Set(['contoso.com', 'c.onmicrosoft.com']), defaultName: 'c.onmicrosoft.com' };

type Given = Readonly<Record<string, string | readonly string[]>>;
const lists = (given: Given): Record<string, readonly string[]> =>
  Object.fromEntries(
    Object.entries(given).map(([name, value]) => [name, typeof value === 'string' ? [value] : value]),
  );

function existing(given: Given): ExternalObject {
  return { reference: 'id', location: 'id', parents: [], name: 'x', attributes: lists(given) };
}

const user = (given: Given, there: ExternalObject | null = null) =>
  projectObject('user', lists(given), there, domains);
const group = (given: Given, there: ExternalObject | null = null) =>
  projectObject('group', lists(given), there, domains);

describe('principalName', () => {
  test.each([
    ['jane@contoso.com', 'jdoe', 'jane@contoso.com'],
    ['Jane@CONTOSO.com', 'jdoe', 'Jane@contoso.com'],
    ['jane@elsewhere.org', 'jdoe', 'jdoe@c.onmicrosoft.com'],
    [undefined, 'jdoe', 'jdoe@c.onmicrosoft.com'],
    [undefined, 'jdoe@corp.local', 'jdoe@c.onmicrosoft.com'],
    ['jane@elsewhere.org', 'jane_elsewhere.org#EXT#@contoso.com', 'jane_elsewhere.org#EXT#@contoso.com'],
    ['zoë+news@contoso.com', 'zoe', 'zoenews@contoso.com'],
    [undefined, 'Ünal Çelik', 'UnalCelik@c.onmicrosoft.com'],
    ['jane@elsewhere.org', '山田', 'jane@c.onmicrosoft.com'],
    [undefined, '山田', undefined],
    ['.a..b.@contoso.com', 'x', 'a.b@contoso.com'],
  ])('%s and %s give %s', (mail, username, expected) => {
    expect(principalName(mail, username, domains)).toBe(expected);
  });
});

describe('nicknames', () => {
  test.each([
    ['Büro & Co', 'Buro.Co'],
    ['straße', 'strasse'],
    ['jane@contoso.com', 'jane'],
    ['..a..', 'a'],
    ['x'.repeat(100), 'x'.repeat(64)],
    ['山田', undefined],
    ['@home', 'home'],
  ])('%s is cleaned to %s', (text, expected) => {
    expect(cleanNickname(text)).toBe(expected);
  });

  test('are made unique within their length', () => {
    const long = 'x'.repeat(64);
    const taken = new Set(['team', 'team2', long]);
    const make = (base: string) => uniqueNickname(base, (nickname) => taken.has(nickname));
    expect([make('team'), make('other'), make(long)]).toEqual(['team3', 'other', `${'x'.repeat(63)}2`]);
  });

  test('of an account or group that has one stay', () => {
    const there = existing({ mailNickname: 'boss', userPrincipalName: 'jane@contoso.com' });
    const wanted = { userPrincipalName: 'jane@contoso.com', mailNickname: 'jdoe', displayName: 'Jane' };
    expect(user(wanted, there).attributes['mailNickname']).toEqual(['boss']);
    expect(user(wanted, existing({})).attributes['mailNickname']).toEqual(['jdoe']);
    expect(group({ displayName: 'All', mailNickname: 'All' }, there).attributes['mailNickname']).toEqual([
      'boss',
    ]);
  });
});

describe('a person', () => {
  test('gets what Entra ID demands', () => {
    const { name, attributes } = user({ userPrincipalName: 'jane@contoso.com', mailNickname: 'jdoe' });
    expect(name).toBe('jane@contoso.com');
    expect(attributes).toEqual(
      lists({ userPrincipalName: name, mailNickname: 'jdoe', displayName: 'jane', surname: 'jane' }),
    );
  });

  test('a surname that is not mapped is the last word of the name, unless the tenant has another', () => {
    const mapped = { userPrincipalName: 'j@contoso.com', displayName: 'Jan de Vries' };
    expect(user(mapped).attributes['surname']).toEqual(['Vries']);
    expect(user(mapped, existing({ surname: 'de Vries' })).attributes['surname']).toEqual(['de Vries']);
  });

  test('values are what the tenant can hold of them', () => {
    const { attributes } = user({
      userPrincipalName: 'j@contoso.com',
      businessPhones: ['+1 5', '+1 6'],
      jobTitle: ` ${'x'.repeat(200)}`,
      department: 'two\nlines',
      employeeId: '12345678901234567',
      otherMails: ['a@x', 'a@x', 'b@x'],
    });
    expect(attributes).toMatchObject({
      businessPhones: ['+1 5'],
      jobTitle: ['x'.repeat(128)],
      department: ['two lines'],
      otherMails: ['a@x', 'b@x'],
    });
    expect(attributes).not.toHaveProperty('employeeId');
  });

  test('what was projected once is what comes of it again', () => {
    const mapped = { userPrincipalName: 'Jane@contoso.com', mailNickname: 'Ünal', displayName: 'Jane  Doe ' };
    const first = user(mapped);
    const there = existing({
      ...(first.attributes as Given),
      userPrincipalName: 'jane@contoso.com',
      mailNickname: 'unal2',
      matchName: 'jane',
    });
    const again = user(mapped, there);
    expect(again.attributes).toEqual(there.attributes);
  });

  test('a name that no rule gives stays', () => {
    const there = existing({ userPrincipalName: 'old@contoso.com', mailNickname: 'old', displayName: 'Old' });
    expect(user({ jobTitle: 'x' }, there)).toMatchObject({ name: 'old@contoso.com' });
  });

  test('without any name is refused', () => {
    expect(() => user({ displayName: 'x' })).toThrow('userPrincipalName');
  });
});

describe('a group', () => {
  test('has a name and a nickname', () => {
    expect(group({ displayName: 'All of us', mailNickname: 'All of us' }).attributes).toEqual(
      lists({ displayName: 'All of us', mailNickname: 'All.of.us' }),
    );
    expect(group({ displayName: '全員' }).attributes['mailNickname']).toEqual(['group']);
    expect(() => group({})).toThrow('displayName');
  });
});

test('bodies have lists, texts, null for what is removed, and inner objects', () => {
  expect(
    propertiesOf({
      businessPhones: [],
      jobTitle: [],
      city: ['Rome'],
      'employeeOrgData.division': ['North'],
      showInAddressList: ['true'],
    }),
  ).toEqual({
    businessPhones: [],
    jobTitle: null,
    city: 'Rome',
    employeeOrgData: { division: 'North' },
    showInAddressList: true,
  });
});
