import { expect, test } from 'vitest';
import type { Script, SeenRequest } from '../../../../test/servers/scripted-http.ts';
import { change, play } from '../../../../test/servers/scim-target.ts';
import type { TargetChange } from '../../sync/connector.ts';
import type { JsonObject } from '../../scim/resource.ts';
import { projectResource } from './project.ts';
import { profileOf, type ProfileName } from './profiles.ts';

const there = { id: '1', userName: 'ada', displayName: 'G', emails: [{ value: 'a@x.example' }] };
const script: Script = ({ method }) => (method === 'GET' ? { json: there } : { status: 200, json: there });

async function send(profile: ProfileName, ...changes: TargetChange[]): Promise<SeenRequest[]> {
  const { sent, outcomes } = await play(changes, script, {
    settings: { profile },
    configuration: { patch: { supported: true }, bulk: { supported: true, maxOperations: 100 } },
  });
  expect(outcomes.map(({ ok }) => ok)).toEqual(changes.map(() => true));
  return sent.filter(({ method }) => method !== 'GET');
}

const bodyOf = (request: SeenRequest | undefined) => request?.body as JsonObject;
const operationsOf = (request: SeenRequest | undefined) => bodyOf(request)['Operations'];
const title = change({ set: { title: ['x'] } });
const group = { kind: 'group', externalId: 'g' } as const;
const rename = change({ ...group, set: { displayName: ['H'] } });
const membership = (verb: 'addMember' | 'removeMember', id: string) =>
  change({
    kind: 'membership',
    verb,
    externalId: 'g',
    member: { kind: 'user', externalId: id, location: id, alias: null, reference: id },
  });

const paths = [{ op: 'replace', path: 'title', value: 'x' }];
const object = [{ op: 'replace', value: { title: 'x' } }];

test.each([
  ['standard', paths],
  ['slack', object],
  ['entra', paths],
  ['gitlab', paths],
  ['salesforce', object],
] as const)('%s: users are changed by PATCH', async (profile, operations) => {
  const [request, ...more] = await send(profile, title);
  expect([request?.method, request?.path, more]).toEqual(['PATCH', '/Users/1', []]);
  expect(operationsOf(request)).toEqual(operations);
});

test.each(['aws', 'okta', 'github', 'jackson'] as const)('%s: users are changed by PUT', async (profile) => {
  const [request, ...more] = await send(profile, title);
  expect([request?.method, request?.path, more]).toEqual(['PUT', '/Users/1', []]);
  expect(request?.body).toMatchObject({ userName: 'ada', title: 'x' });
});

const named = [{ op: 'replace', path: 'displayName', value: 'H' }];
const nameInObject = [{ op: 'replace', value: { displayName: 'H' } }];
const removedByFilter = [
  { op: 'remove', path: 'members[value eq "b"]' },
  { op: 'add', path: 'members', value: [{ value: 'a' }] },
];
const removedByValues = [
  { op: 'remove', path: 'members', value: [{ value: 'b' }] },
  { op: 'add', path: 'members', value: [{ value: 'a' }] },
];
const inObjects = [
  { op: 'remove', path: 'members', value: { members: [{ value: 'b' }] } },
  { op: 'add', path: 'members', value: { members: [{ value: 'a' }] } },
];

test.each([
  ['standard', named, removedByFilter],
  ['aws', named, removedByValues],
  ['slack', nameInObject, removedByFilter],
  ['okta', nameInObject, removedByFilter],
  ['entra', named, removedByValues],
  ['github', named, removedByValues],
  ['salesforce', nameInObject, inObjects],
  ['jackson', named, removedByFilter],
] as const)('%s: groups and their members are changed by PATCH', async (profile, renamed, members) => {
  const [first] = await send(profile, rename);
  expect([first?.method, first?.path]).toEqual(['PATCH', '/Groups/g']);
  expect(operationsOf(first)).toEqual(renamed);
  const [second] = await send(profile, membership('addMember', 'a'), membership('removeMember', 'b'));
  expect(operationsOf(second)).toEqual(members);
});

test.each([
  ['standard', true],
  ['aws', false],
  ['slack', false],
  ['okta', false],
  ['entra', false],
  ['github', false],
  ['gitlab', false],
  ['salesforce', false],
  ['jackson', false],
] as const)('%s: Bulk is used where it is offered: %s', async (profile, isUsed) => {
  const changes = Array.from({ length: 6 }, (_, at) => change({ verb: 'delete', externalId: `u${at}` }));
  const bulk: Script = ({ path, method }) => {
    if (path !== '/Bulk') return { status: method === 'DELETE' ? 204 : 200, json: there };
    return {
      json: { Operations: changes.map(({ ordinal }) => ({ bulkId: String(ordinal), status: '204' })) },
    };
  };
  const configuration = { patch: { supported: true }, bulk: { supported: true, maxOperations: 100 } };
  const { sent } = await play(changes, bulk, { settings: { profile }, configuration });
  expect(sent.some(({ path }) => path === '/Bulk')).toBe(isUsed);
});

test.each([
  ['standard', 'DELETE'],
  ['aws', 'DELETE'],
  ['slack', 'PATCH'],
  ['okta', 'DELETE'],
  ['entra', 'DELETE'],
  ['github', 'DELETE'],
  ['gitlab', 'DELETE'],
  ['salesforce', 'PATCH'],
  ['jackson', 'DELETE'],
] as const)('%s: users go by %s', async (profile, method) => {
  const [request] = await send(profile, change({ verb: 'delete' }));
  expect(request?.method).toBe(method);
  if (method === 'PATCH')
    expect(operationsOf(request)).toEqual([{ op: 'replace', value: { active: false } }]);
});

test.each([
  ['aws', ['name.givenName', 'name.familyName', 'displayName']],
  ['slack', ['emails.value']],
  ['github', ['emails.value']],
  ['salesforce', ['emails.value', 'entitlements.value']],
] as const)('%s: new users need %j', (profile, demanded) => {
  const all = { userName: ['ada'], ...Object.fromEntries(demanded.map((name) => [name, ['x']])) };
  const context = { shape: undefined, profile: profileOf({ profile, url: 'https://x.example' }) };
  expect(() => projectResource('user', all, null, context)).not.toThrow();
  for (const name of demanded)
    expect(() => projectResource('user', { ...all, [name]: [] }, null, context)).toThrow(name);
});

test('aws: what it does not have is not written', () => {
  const lacking = ['ims.value', 'photos.value', 'x509Certificates.value', 'entitlements.value', 'password'];
  const given = { userName: ['ada'], ...Object.fromEntries(lacking.map((name) => [name, ['x']])) };
  const context = { shape: undefined, profile: profileOf({ profile: 'aws', url: 'https://x.example' }) };
  const all = { displayName: ['x'], 'name.givenName': ['x'], 'name.familyName': ['x'] };
  expect(projectResource('user', { ...given, ...all }, null, context).attributes).toEqual({
    userName: ['ada'],
    ...all,
  });
});

const name = (url: string) => profileOf({ profile: 'auto', url }).name;

test('a service whose host is known need not be named', () => {
  expect(name('https://scim.us-east-1.amazonaws.com/abc/scim/v2/')).toBe('aws');
  expect(name('https://api.slack.com/scim/v2')).toBe('slack');
  expect(name('https://acme.my.salesforce.com/services/scim/v2')).toBe('salesforce');
  expect(name('https://api.github.com/scim/v2/organizations/acme')).toBe('github');
  expect(name('https://api.acme.ghe.com/scim/v2/enterprises/acme')).toBe('github');
  expect(name('https://gitlab.com/api/scim/v2/groups/acme')).toBe('gitlab');
  expect(name('https://evil-api.slack.com.example/scim')).toBe('auto');
  expect(profileOf({ profile: 'standard', url: 'https://api.slack.com/scim/v2' }).name).toBe('standard');
});
