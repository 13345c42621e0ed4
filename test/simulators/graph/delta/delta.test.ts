import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askAll } from '../ask.ts';
import type { JsonObject } from '../json.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let number = 0;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
});
afterAll(() => graph.stop());

const addUser = (more: object = {}): string => {
  number += 1;
  return graph.directory.addUser({
    userPrincipalName: `u${number}@contoso.example`,
    displayName: `U${number}`,
    ...more,
  }).id;
};
/** A delta link from now on. */
async function latest(path: string): Promise<string> {
  const mark = path.includes('?') ? '&' : '?';
  const { value, body } = await ask(graph, 'GET', `${path}${mark}$deltatoken=latest`);
  expect(value).toEqual([]);
  return String(body['@odata.deltaLink']);
}
const byId = (objects: readonly JsonObject[], id: string): JsonObject[] =>
  objects.filter((object) => object['id'] === id);
const member = (id: string): JsonObject => ({ '@odata.type': '#microsoft.graph.user', id });
const removed = (id: string): JsonObject => ({ ...member(id), '@removed': { reason: 'deleted' } });

describe('a first delta round of users', () => {
  it('brings all, without what was never set; nextLink or deltaLink, never both', async () => {
    const id = addUser({ jobTitle: null, city: 'X' });
    const { objects, deltaLink } = await askAll(graph, '/users/delta');
    const [user] = byId(objects, id);
    expect(user).toMatchObject({ jobTitle: null, userPrincipalName: `u${number}@contoso.example` });
    expect(user).not.toHaveProperty('mobilePhone');
    expect(user).not.toHaveProperty('city');
    expect(user).not.toHaveProperty('manager@delta');
    expect(deltaLink).toMatch(/\/v1\.0\/users\/delta\?\$deltatoken=[\w-]+$/);
  });

  it.each(['/users/microsoft.graph.delta', '/users/delta()', '/users/microsoft.graph.delta()'])(
    'is at %s too',
    async (path) => {
      expect((await ask(graph, 'GET', path)).body).toHaveProperty('@odata.deltaLink');
    },
  );

  it('is cut into pages by Prefer: odata.maxpagesize, with opaque tokens', async () => {
    Array.from({ length: 5 }, () => addUser());
    const first = await ask(graph, 'GET', '/users/delta', undefined, {
      headers: { prefer: 'odata.maxpagesize=2' },
    });
    expect(first.value).toHaveLength(2);
    expect(first.body).not.toHaveProperty('@odata.deltaLink');
    const token = new URL(String(first.body['@odata.nextLink'])).searchParams.get('$skiptoken') ?? '';
    expect(Buffer.from(token, 'base64url').toString('latin1')).not.toContain('user');
    const again = await ask(graph, 'GET', String(first.body['@odata.nextLink']));
    expect((await ask(graph, 'GET', String(first.body['@odata.nextLink']))).value).toEqual(again.value);
  });

  it('has the selected properties only, and the manager when it is selected', async () => {
    const boss = addUser();
    const id = addUser({ city: 'X' });
    graph.directory.setManager(id, boss);
    const { objects } = await askAll(graph, '/users/delta?$select=city,manager');
    expect(byId(objects, id)).toEqual([{ id, city: 'X', 'manager@delta': [member(boss)] }]);
  });

  it('can be limited to objects by id', async () => {
    const ids = [addUser(), addUser()];
    const filter = encodeURIComponent(ids.map((id) => `id eq '${id}'`).join(' or '));
    const { objects } = await askAll(graph, `/users/delta?$filter=${filter}`);
    expect(objects.map(({ id }) => id)).toEqual(ids);
  });

  it.each([
    '$top=5',
    '$orderby=displayName',
    '$expand=manager',
    '$search="displayName:a"',
    "$filter=displayName eq 'x'",
    `$filter=${Array.from({ length: 51 }, (_, index) => `id eq '${index}'`).join(' or ')}`,
    '$select=shoeSize',
    '$deltatoken=made-up',
    '$skiptoken=made-up',
  ])('refuses %s', async (query) => {
    expect((await ask(graph, 'GET', `/users/delta?${query}`)).status).toBe(400);
  });
});

describe('a later delta round of users', () => {
  it('is empty when nothing changed, with a new delta link', async () => {
    const link = await latest('/users/delta');
    const { objects, deltaLink } = await askAll(graph, link);
    expect(objects).toEqual([]);
    expect(deltaLink).not.toBe(link);
  });

  it('tells created, changed, cleared, deleted, restored and purged users', async () => {
    const [changed, deleted, restored, purged] = [
      addUser({ jobTitle: 'A' }),
      addUser(),
      addUser(),
      addUser(),
    ];
    graph.directory.delete(restored);
    const link = await latest('/users/delta');
    const created = addUser();
    graph.directory.update(changed, { jobTitle: null });
    graph.directory.delete(deleted);
    graph.directory.restore(restored);
    graph.directory.delete(purged);
    graph.directory.purge(purged);
    const { objects } = await askAll(graph, link);
    expect(objects).toHaveLength(5);
    expect(byId(objects, created)[0]).toHaveProperty('userPrincipalName');
    expect(byId(objects, changed)[0]).toMatchObject({
      jobTitle: null,
      displayName: expect.any(String) as unknown,
    });
    expect(byId(objects, deleted)).toEqual([{ id: deleted, '@removed': { reason: 'changed' } }]);
    expect(byId(objects, restored)[0]).toHaveProperty('displayName');
    expect(byId(objects, purged)).toEqual([{ id: purged, '@removed': { reason: 'deleted' } }]);
  });

  it('sees only changes of what was selected', async () => {
    const id = addUser();
    const link = await latest('/users/delta?$select=displayName,onPremisesExtensionAttributes');
    graph.directory.update(id, { jobTitle: 'Unseen' });
    const second = await askAll(graph, link);
    expect(second.objects).toEqual([]);
    graph.directory.update(id, { displayName: 'Seen', city: 'Unseen' });
    expect((await askAll(graph, second.deltaLink)).objects).toEqual([{ id, displayName: 'Seen' }]);
  });

  it('gives changed properties only when the client prefers it, or by option', async () => {
    const id = addUser({ jobTitle: 'A' });
    const link = await latest('/users/delta?$select=displayName,jobTitle');
    graph.directory.update(id, { jobTitle: 'B' });
    expect((await askAll(graph, link)).objects).toEqual([{ id, displayName: `U${number}`, jobTitle: 'B' }]);
    const minimal = await ask(graph, 'GET', link, undefined, { headers: { prefer: 'return=minimal' } });
    expect(minimal.value).toEqual([{ id, jobTitle: 'B' }]);
    expect(minimal.headers.get('preference-applied')).toBe('return=minimal');
    graph.behaviour.deltaChangedPropertiesOnly = true;
    expect((await askAll(graph, link)).objects).toEqual([{ id, jobTitle: 'B' }]);
    graph.behaviour.deltaChangedPropertiesOnly = false;
  });

  it('tells managers that come and go, also because they were deleted', async () => {
    const [boss, other, id] = [addUser(), addUser(), addUser()];
    graph.directory.setManager(id, boss);
    const link = await latest('/users/delta?$select=displayName,manager');
    graph.directory.setManager(id, other);
    const second = await askAll(graph, link);
    expect(byId(second.objects, id)[0]).toMatchObject({ 'manager@delta': [removed(boss), member(other)] });
    graph.directory.delete(other);
    const third = await askAll(graph, second.deltaLink);
    expect(byId(third.objects, id)[0]).toMatchObject({ 'manager@delta': [removed(other)] });
    expect((await askAll(graph, await latest('/users/delta'))).objects).toEqual([]);
  });
});

describe('delta rounds of groups', () => {
  it('bring members by default and when selected, only then', async () => {
    const user = addUser();
    const { id } = graph.directory.addGroup({ displayName: 'G', members: [user] });
    expect(byId((await askAll(graph, '/groups/delta')).objects, id)[0]).toMatchObject({
      'members@delta': [member(user)],
    });
    const selected = await askAll(graph, '/groups/delta?$select=displayName,members');
    expect(byId(selected.objects, id)).toEqual([{ id, displayName: 'G', 'members@delta': [member(user)] }]);
    const without = await askAll(graph, '/groups/delta?$select=displayName');
    expect(byId(without.objects, id)).toEqual([{ id, displayName: 'G' }]);
    graph.directory.removeMember(id, user);
    expect((await askAll(graph, without.deltaLink)).objects).toEqual([]);
    expect(byId((await askAll(graph, selected.deltaLink)).objects, id)).toEqual([
      { id, displayName: 'G', 'members@delta': [removed(user)] },
    ]);
  });

  it('tell members that were added, removed, deleted and restored', async () => {
    const [stays, goes, dies, comes] = [addUser(), addUser(), addUser(), addUser()];
    const { id } = graph.directory.addGroup({ displayName: 'G', members: [stays, goes, dies] });
    const link = await latest('/groups/delta');
    graph.directory.removeMember(id, goes);
    graph.directory.addMember(id, comes);
    graph.directory.delete(dies);
    const second = await askAll(graph, link);
    expect(byId(second.objects, id)[0]!['members@delta']).toEqual([
      removed(goes),
      member(comes),
      removed(dies),
    ]);
    graph.directory.restore(dies);
    expect(byId((await askAll(graph, second.deltaLink)).objects, id)[0]!['members@delta']).toEqual([
      member(dies),
    ]);
  });

  it('split the members of a large group over pages', async () => {
    const { id: nested } = graph.directory.addGroup({ displayName: 'Nested' });
    const users = Array.from({ length: 24 }, () => addUser());
    const { id } = graph.directory.addGroup({ displayName: 'Large', members: [...users, nested] });
    graph.behaviour.deltaMembersPerObject = 10;
    const { pages, deltaLink } = await askAll(graph, '/groups/delta');
    const pieces = pages.flatMap((page) => byId(page, id));
    expect(pieces.map((piece) => (piece['members@delta'] as unknown[]).length)).toEqual([10, 10, 5]);
    expect(pages.every((page) => byId(page, id).length <= 1)).toBe(true);
    expect(pieces.flatMap((piece) => piece['members@delta'])).toContainEqual({
      '@odata.type': '#microsoft.graph.group',
      id: nested,
    });
    for (const user of users.slice(0, 12)) graph.directory.removeMember(id, user);
    const second = await askAll(graph, deltaLink);
    graph.behaviour.deltaMembersPerObject = 200;
    expect(byId(second.objects, id).map((piece) => (piece['members@delta'] as unknown[]).length)).toEqual([
      10, 2,
    ]);
  });

  it('tell a deleted security group as gone for ever', async () => {
    const { id } = graph.directory.addGroup({ displayName: 'G' });
    const link = await latest('/groups/delta');
    graph.directory.delete(id);
    expect((await askAll(graph, link)).objects).toEqual([{ id, '@removed': { reason: 'deleted' } }]);
  });
});

describe('delta rounds of administrative units', () => {
  it.each(['/directory/administrativeUnits', '/administrativeUnits'])('are at %s/delta', async (base) => {
    const link = await latest(`${base}/delta`);
    const user = addUser();
    graph.directory.seed({ administrativeUnits: [{ displayName: 'Unit', members: [user] }] });
    expect((await askAll(graph, link)).objects).toEqual([
      expect.objectContaining({ displayName: 'Unit', 'members@delta': [member(user)] }),
    ]);
  });
});
