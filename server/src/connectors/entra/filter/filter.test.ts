import { describe, expect, test } from 'vitest';
import { parseCondition } from './filter.ts';
import { meets } from './match.ts';
import { filterSelection, parseScopeFilter } from './scope-filter.ts';

const ann = {
  displayName: "Ann O'Neil",
  accountEnabled: true,
  department: 'Sales',
  proxyAddresses: ['SMTP:ann@x', 'smtp:a@x'],
  employeeOrgData: { division: 'North' },
};

describe('a condition', () => {
  test.each([
    ["department eq 'sales'", true],
    ["department ne 'Sales'", false],
    ["department in ('Legal', 'Sales')", true],
    ['accountEnabled eq true', true],
    ['accountEnabled eq false or jobTitle eq null', true],
    ['not (jobTitle eq null)', false],
    ["displayName eq 'Ann O''Neil'", true],
    ["startswith(displayName, 'ann') and endsWith(displayName, 'neil')", true],
    ["contains(displayName, 'zzz')", false],
    ["endswith(proxyAddresses, 'a@x')", true],
    ["employeeOrgData/division eq 'North'", true],
    ["department eq 'a' and department eq 'Sales' or accountEnabled eq true", true],
    ["department eq 'a' and (department eq 'Sales' or accountEnabled eq true)", false],
    ["missing ne 'x'", true],
  ])('%s is %s', (text, expected) => {
    expect(meets(ann, parseCondition(text))).toBe(expected);
  });

  test.each([
    '',
    'department',
    'department eq',
    'department eq Sales',
    "department eq 'Sales",
    "(department eq 'Sales'",
    "department eq 'Sales' extra",
    "department like 'S%'",
    'startswith(displayName, 5)',
    `${'('.repeat(60)}a eq 1${')'.repeat(60)}`,
  ])('%s is refused', (text) => {
    expect(() => parseCondition(text)).toThrow(expect.objectContaining({ code: 'InvalidFilter' }));
  });
});

describe('a filter of a scope', () => {
  test('is for users, or for each kind by name', () => {
    expect(Object.keys(parseScopeFilter("department eq 'a;b'"))).toEqual(['user']);
    const both = parseScopeFilter("users: city eq 'x' ; groups: startswith(displayName, 'a;')");
    expect(filterSelection(both)).toEqual({ user: ['city'], group: ['displayName'] });
    expect(filterSelection(parseScopeFilter("employeeOrgData/division eq 'x'")).user).toEqual([
      'employeeOrgData',
    ]);
  });

  test('without anything is refused', () => {
    expect(() => parseScopeFilter(' ; ')).toThrow('filter');
  });
});
