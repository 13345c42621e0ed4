import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask } from '../ask.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
});
afterAll(() => graph.stop());

const addUser = (alias: string): string =>
  graph.directory.addUser({ userPrincipalName: `${alias}@contoso.example`, displayName: alias }).id;

describe('deleted items', () => {
  it('keep a user that was deleted, who comes back with its memberships', async () => {
    const id = addUser('kept');
    const { id: group } = graph.directory.addGroup({ displayName: 'G', members: [id] });
    expect((await ask(graph, 'DELETE', `/users/${id}`)).status).toBe(204);
    expect((await ask(graph, 'GET', `/users/${id}`)).status).toBe(404);
    expect((await ask(graph, 'GET', `/groups/${group}/members`)).value).toEqual([]);
    const deleted = await ask(
      graph,
      'GET',
      '/directory/deletedItems/microsoft.graph.user?$select=id,deletedDateTime',
    );
    expect(deleted.value).toContainEqual({ id, deletedDateTime: expect.stringMatching(/Z$/) as unknown });
    expect((await ask(graph, 'GET', `/directory/deletedItems/${id}`)).body).toMatchObject({ id });
    expect((await ask(graph, 'POST', `/directory/deletedItems/${id}/restore`)).body).toMatchObject({ id });
    expect((await ask(graph, 'GET', `/users/kept@contoso.example`)).body['id']).toBe(id);
    expect((await ask(graph, 'GET', `/groups/${group}/members`)).value).toHaveLength(1);
  });

  it('let go of a user for ever', async () => {
    const id = addUser('gone');
    await ask(graph, 'DELETE', `/users/${id}`);
    expect((await ask(graph, 'DELETE', `/directory/deletedItems/${id}`)).status).toBe(204);
    expect((await ask(graph, 'POST', `/directory/deletedItems/${id}/restore`)).status).toBe(404);
  });

  it('free the user name; a user whose name was taken does not come back', async () => {
    const id = addUser('taken');
    await ask(graph, 'DELETE', `/users/${id}`);
    addUser('taken');
    expect((await ask(graph, 'POST', `/directory/deletedItems/${id}/restore`)).message).toMatch(
      /userPrincipalName/,
    );
  });

  it('keep Microsoft 365 groups, not security groups', async () => {
    const unified = graph.directory.addGroup({
      displayName: 'U',
      groupTypes: ['Unified'],
      mailEnabled: true,
    }).id;
    const security = graph.directory.addGroup({ displayName: 'S' }).id;
    await ask(graph, 'DELETE', `/groups/${unified}`);
    await ask(graph, 'DELETE', `/groups/${security}`);
    const { value } = await ask(graph, 'GET', '/directory/deletedItems/microsoft.graph.group');
    expect(value.map(({ id }) => id)).toEqual([unified]);
  });

  it('must be asked for by type', async () => {
    expect((await ask(graph, 'GET', '/directory/deletedItems')).status).toBe(400);
  });
});
