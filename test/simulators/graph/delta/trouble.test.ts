import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ask, askAll } from '../ask.ts';
import { defaultBehaviour } from '../control.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
let ids: string[];

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  ids = Array.from({ length: 10 }, (_, index) => {
    return graph.directory.addUser({
      userPrincipalName: `u${index}@contoso.example`,
      displayName: `U${index}`,
    }).id;
  });
  return () => graph.stop();
});
afterEach(() => Object.assign(graph.behaviour, defaultBehaviour));

const latest = async (): Promise<string> =>
  String((await ask(graph, 'GET', '/users/delta?$deltatoken=latest')).body['@odata.deltaLink']);
const round = async (path: string): Promise<unknown[]> =>
  (await askAll(graph, path)).objects.map(({ id }) => id);

describe('what a delta round may do', () => {
  it('begins with empty pages', async () => {
    graph.behaviour.deltaEmptyPages = 2;
    const { pages } = await askAll(graph, '/users/delta');
    expect(pages.map((page) => page.length)).toEqual([0, 0, 10]);
  });

  it('brings the same object in several pages', async () => {
    graph.behaviour.deltaRepeatsObjects = true;
    const { pages } = await askAll(graph, '/users/delta');
    expect(pages.map((page) => page.length)).toEqual([10, 10]);
  });

  it('brings objects in an order of chance, the same for the same seed', async () => {
    const plain = await round('/users/delta');
    graph.behaviour.deltaShuffleSeed = 7;
    const shuffled = await round('/users/delta');
    expect(shuffled).not.toEqual(plain);
    expect(new Set(shuffled)).toEqual(new Set(plain));
    expect(shuffled).toHaveLength(plain.length);
    expect(await round('/users/delta')).toEqual(shuffled);
  });

  it('tells changes once more that the round before told', async () => {
    const link = await latest();
    graph.directory.update(ids[0]!, { jobTitle: 'A' });
    const second = await askAll(graph, link);
    graph.directory.update(ids[1]!, { jobTitle: 'B' });
    graph.behaviour.deltaReplays = true;
    expect(await round(second.deltaLink)).toEqual([ids[0], ids[1]]);
  });

  it('may tell deleted objects in the first round', async () => {
    graph.directory.delete(ids[9]!);
    expect(await round('/users/delta')).not.toContain(ids[9]);
    graph.behaviour.deltaTellsDeletedAtFirst = true;
    expect((await askAll(graph, '/users/delta')).objects).toContainEqual({
      id: ids[9],
      '@removed': { reason: 'changed' },
    });
    graph.directory.restore(ids[9]!);
  });

  it('may miss a change for a while and tell it after later ones', async () => {
    const link = await latest();
    graph.withholdChanges();
    graph.directory.update(ids[2]!, { jobTitle: 'Late' });
    const { id } = graph.directory.addUser({
      userPrincipalName: 'late@contoso.example',
      displayName: 'Late',
    });
    const second = await askAll(graph, link);
    expect(second.objects).toEqual([]);
    expect(await round('/users/delta')).not.toContain(id);
    graph.releaseChanges();
    graph.directory.update(ids[3]!, { jobTitle: 'Later' });
    expect(await round(second.deltaLink)).toEqual([ids[2], id, ids[3]]);
    graph.directory.purge(id);
  });

  it('tells in the next round what changed between two pages', async () => {
    graph.behaviour.deltaPageSize = 4;
    const first = await ask(graph, 'GET', '/users/delta');
    graph.directory.update(ids[0]!, { jobTitle: 'Meanwhile' });
    const rest = await askAll(graph, String(first.body['@odata.nextLink']));
    expect(rest.objects.map(({ id }) => id)).not.toContain(ids[0]);
    expect(await round(rest.deltaLink)).toEqual([ids[0]]);
  });
});

describe('what goes wrong with delta links', () => {
  it('they are gone when a tenant is moved: 410 with the place to begin again', async () => {
    const link = await latest();
    graph.behaviour.deltaPageSize = 4;
    const first = await ask(graph, 'GET', '/users/delta');
    graph.killDeltaTokens();
    for (const dead of [link, String(first.body['@odata.nextLink'])]) {
      const answer = await ask(graph, 'GET', dead);
      expect([answer.status, answer.code]).toEqual([410, 'resyncRequired']);
      expect(answer.headers.get('location')).toBe(`${graph.graphUrl}/v1.0/users/delta?$deltatoken=`);
    }
    expect(await round(`${graph.graphUrl}/v1.0/users/delta?$deltatoken=`)).toHaveLength(10);
  });

  it('they die after seven days', async () => {
    const link = await latest();
    graph.advanceClock(6 * 24 * 3600);
    expect((await ask(graph, 'GET', link)).status).toBe(200);
    graph.advanceClock(25 * 3600);
    const answer = await ask(graph, 'GET', link);
    expect([answer.status, answer.code]).toEqual([410, 'syncStateNotFound']);
  });

  it('nextLinks may never end, by the same token or by ever new ones', async () => {
    graph.behaviour.endlessNextLinks = 'same';
    const follow = async (link: string): Promise<string> =>
      String((await ask(graph, 'GET', link)).body['@odata.nextLink']);
    const first = await follow('/users/delta');
    const second = await follow(first);
    expect(await follow(second)).toBe(second);
    graph.behaviour.endlessNextLinks = 'fresh';
    const links = new Set<string>();
    for (let link = '/users/delta'; links.size < 4; links.add(link)) link = await follow(link);
    for (let link = '/users'; links.size < 8; links.add(link)) link = await follow(link);
    expect(links.size).toBe(8);
  });

  it('nextLinks may point at somebody else', async () => {
    graph.behaviour.linkOrigin = 'https://evil.example';
    graph.behaviour.deltaPageSize = 4;
    graph.behaviour.listPageSize = 4;
    for (const path of ['/users/delta', '/users'])
      expect((await ask(graph, 'GET', path)).body['@odata.nextLink']).toMatch(
        /^https:\/\/evil\.example\/v1\.0\/users/,
      );
  });
});
