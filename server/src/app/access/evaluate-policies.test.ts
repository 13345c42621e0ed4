import { assert, constantFrom, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { evaluatePolicies, type AccessRequest } from './evaluate-policies.ts';
import { parsePolicy } from './policy-document.ts';
import { fitsWildcard } from './wildcard.ts';

const request: AccessRequest = {
  action: 'eiam:GetUser',
  resource: 'acs:eiam:cn-hangzhou:acct_1:instance/idaas_x/user/user_1',
  facts: { sourceIp: '10.1.2.3', now: new Date('2026-03-04T05:06:07Z'), secureTransport: false },
};
const everything = { Effect: 'Allow', Action: '*', Resource: '*' };

function decide(statements: readonly object[], change: Partial<AccessRequest['facts']> = {}) {
  const policies = statements.map((Statement) => parsePolicy({ Version: '1', Statement: [Statement] }));
  return evaluatePolicies(policies, { ...request, facts: { ...request.facts, ...change } });
}

test('what nothing allows is denied, and a denial wins in any order', () => {
  expect(decide([])).toBe('implicitDeny');
  expect(decide([everything])).toBe('allow');
  const deny = { Effect: 'Deny', Action: 'eiam:Get*', Resource: '*' };
  expect(decide([everything, deny])).toBe('explicitDeny');
  expect(decide([deny, everything])).toBe('explicitDeny');
});

test.each([
  ['eiam:GetUser', '*', 'allow'],
  ['eiam:getuser', '*', 'allow'],
  ['eiam:Get*', 'acs:eiam:*:*:instance/idaas_x/user/*', 'allow'],
  ['eiam:Get????', 'acs:eiam:*:*:instance/*', 'allow'],
  ['eiam:Get???', '*', 'implicitDeny'],
  ['eiam:GetUsers', '*', 'implicitDeny'],
  ['ram:*', '*', 'implicitDeny'],
  ['*', 'acs:eiam:*:*:instance/idaas_y/*', 'implicitDeny'],
  ['*', 'acs:eiam:*:*:instance/IDAAS_X/*', 'implicitDeny'],
  ['*', 'acs:ram:*:*:*', 'implicitDeny'],
])('action %s on %s: %s', (Action, Resource, expected) => {
  expect(decide([{ Effect: 'Allow', Action: [Action], Resource }])).toBe(expected);
});

test.each([
  [{ IpAddress: { 'acs:SourceIp': '10.0.0.0/8' } }, true],
  [{ IpAddress: { 'acs:SourceIp': ['192.168.0.0/16', '10.1.2.3'] } }, true],
  [{ IpAddress: { 'acs:sourceip': ['192.168.0.0/16'] } }, false],
  [{ IpAddress: { 'acs:SourceIp': '::/0' } }, false],
  [{ NotIpAddress: { 'acs:SourceIp': ['10.1.2.0/24'] } }, false],
  [{ NotIpAddress: { 'acs:SourceIp': ['10.1.3.0/24', '10.1.4.0/24'] } }, true],
  [{ DateLessThan: { 'acs:CurrentTime': '2026-03-04T05:06:08Z' } }, true],
  [{ DateLessThan: { 'acs:CurrentTime': '2026-03-04T05:06:07Z' } }, false],
  [{ DateLessThanEquals: { 'acs:CurrentTime': '2026-03-04T13:06:07+08:00' } }, true],
  [{ DateGreaterThan: { 'acs:CurrentTime': '2026-03-04T05:06Z' } }, true],
  [{ DateGreaterThanEquals: { 'acs:CurrentTime': '2026-03-04T05:06:08Z' } }, false],
  [{ Bool: { 'acs:SecureTransport': 'true' } }, false],
  [{ Bool: { 'acs:SecureTransport': false } }, true],
  [{ StringEquals: { 'acs:SourceIp': '10.1.2.3' } }, true],
  [{ StringLike: { 'acs:SourceIp': '10.1.*' } }, true],
  [{ StringNotLike: { 'acs:SourceIp': '10.1.*' } }, false],
  [{ IpAddress: { 'acs:SourceIp': '10.0.0.0/8' }, Bool: { 'acs:SecureTransport': 'true' } }, false],
])('condition %j is %s', (Condition, met) => {
  expect(decide([{ ...everything, Condition }])).toBe(met ? 'allow' : 'implicitDeny');
  expect(decide([everything, { ...everything, Effect: 'Deny', Condition }])).toBe(
    met ? 'explicitDeny' : 'allow',
  );
});

test.each([
  [{ IpAddress: { 'acs:SourceIp': '10.0.0.0/33' } }],
  [{ IpAddress: { 'acs:SourceIp': 'localhost' } }],
  [{ NotIpAddress: { 'acs:SourceIp': '10.0.0/8' } }],
  [{ IpAddress: { 'acs:CurrentTime': '10.0.0.0/8' } }],
  [{ DateLessThan: { 'acs:CurrentTime': 'tomorrow' } }],
  [{ DateLessThan: { 'acs:CurrentTime': '2026-03-04' } }],
  [{ Bool: { 'acs:SecureTransport': 'perhaps' } }],
  [{ Bool: { 'acs:MFAPresent': 'true' } }],
  [{ StringNotEquals: { 'acs:Unknown': 'x' } }],
  [{ NumericLessThan: { 'acs:SourceIp': '1' } }],
])('condition %j, which is not understood, allows nothing and denies', (Condition) => {
  expect(decide([{ ...everything, Condition }])).toBe('implicitDeny');
  expect(decide([everything, { ...everything, Effect: 'Deny', Condition }])).toBe('explicitDeny');
});

function inside(range: string): object[] {
  return [{ ...everything, Condition: { IpAddress: { 'acs:SourceIp': range } } }];
}

test('an address of IPv4 in IPv6 counts as IPv4, and IPv6 ranges work', () => {
  expect(decide(inside('10.0.0.0/8'), { sourceIp: '::ffff:10.9.9.9' })).toBe('allow');
  expect(decide(inside('2001:db8::/32'), { sourceIp: '2001:db8:1::1' })).toBe('allow');
  expect(decide(inside('2001:db8::/32'), { sourceIp: '2001:db9::1' })).toBe('implicitDeny');
});

test.each([
  [null],
  [[]],
  [{ Statement: [everything] }],
  [{ Version: '2', Statement: [everything] }],
  [{ Version: '1', Statement: [] }],
  [{ Version: '1', Statement: [{ ...everything, Effect: 'allow' }] }],
  [{ Version: '1', Statement: [{ Effect: 'Allow', Action: '*' }] }],
  [{ Version: '1', Statement: [{ Effect: 'Allow', NotAction: 'x', Resource: '*' }] }],
  [{ Version: '1', Statement: [{ ...everything, Action: [1] }] }],
  [{ Version: '1', Statement: [{ ...everything, Condition: { IpAddress: ['10.0.0.0/8'] } }] }],
  [{ Version: '1', Statement: [everything], Id: 'x' }],
])('document %j is refused', (document) => {
  expect(() => parsePolicy(document)).toThrow(expect.objectContaining({ code: 'InvalidRequest' }));
});

test('wildcards agree with a regular expression', () => {
  const letters = string({ unit: constantFrom('a', 'b', '*', '?'), maxLength: 8 });
  assert(
    property(letters, string({ unit: constantFrom('a', 'b'), maxLength: 8 }), (pattern, text) => {
      const expression = new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`);
      expect(fitsWildcard(pattern, text)).toBe(expression.test(text));
    }),
  );
});

test('a wildcard made to run for ever ends', () => {
  expect(fitsWildcard(`${'a*'.repeat(500)}c`, 'a'.repeat(20_000))).toBe(false);
});
