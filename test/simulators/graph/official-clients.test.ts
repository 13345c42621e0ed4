import { ClientSecretCredential } from '@azure/identity';
import {
  BatchRequestContent,
  BatchResponseContent,
  GraphError,
  PageIterator,
  type BatchRequestStep,
  type Client,
  type PageCollection,
} from '@microsoft/microsoft-graph-client';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeCompany } from './company.ts';
import { authorityOf, officialClient, trust } from './official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from './simulator.ts';

type Person = Record<string, unknown> & { id: string };

let graph: GraphSimulator;
let client: Client;

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  client = officialClient(graph);
  graph.directory.seed(makeCompany({ users: 250, domain: 'contoso.example' }));
});
beforeEach(() => graph.requests.reset());
afterAll(() => graph.stop());

/** Everything that Microsoft's page iterator brings, and the delta link at its end. */
async function iterate(path: string): Promise<{ objects: Person[]; deltaLink: string }> {
  const objects: Person[] = [];
  const first = (await client.api(path).get()) as PageCollection;
  const iterator = new PageIterator(client, first, (object: Person) => objects.push(object) > 0);
  await iterator.iterate();
  return { objects, deltaLink: iterator.getDeltaLink() ?? '' };
}

const step = (id: string, method: string, path: string, body?: object): BatchRequestStep => ({
  id,
  request: new Request(`https://graph.microsoft.com/v1.0${path}`, {
    method,
    headers: { 'content-type': 'application/json' },
    ...(body ? { body: JSON.stringify(body) } : {}),
  }),
});

const bind = (ids: readonly string[]): object => ({
  'members@odata.bind': ids.map((id) => `https://graph.microsoft.com/v1.0/directoryObjects/${id}`),
});

const newUser = (alias: string): object => ({
  accountEnabled: true,
  displayName: alias,
  mailNickname: alias,
  userPrincipalName: `${alias}@contoso.example`,
  passwordProfile: { password: 'Not-a-Secret-1', forceChangePasswordNextSignIn: true },
});

describe('the official Graph client', () => {
  it('iterates over all users page by page, with one token for all', async () => {
    const { objects } = await iterate('/users?$top=100&$select=id,displayName');
    expect(objects).toHaveLength(250);
    expect(new Set(objects.map(({ id }) => id)).size).toBe(250);
    expect(Object.keys(objects[0]!).sort()).toEqual(['displayName', 'id']);
    expect(graph.requests.count({ path: '/users' })).toBe(3);
    expect(graph.requests.tokens).toBeLessThanOrEqual(1);
  });

  it('reads a delta round, then a second one with only what changed', async () => {
    const first = await iterate('/users/delta?$select=displayName,jobTitle,manager');
    expect(first.objects).toHaveLength(250);
    expect(first.objects.filter((user) => user['manager@delta'])).toHaveLength(225);
    const [changed, gone, other] = first.objects.map(({ id }) => id);
    graph.directory.update(changed!, { jobTitle: 'Director' });
    graph.directory.delete(gone!);
    graph.directory.update(other!, { city: 'Oslo' });
    const second = await iterate(first.deltaLink);
    const ids = second.objects.map(({ id }) => id);
    expect(second.objects.find(({ id }) => id === changed)).toMatchObject({ jobTitle: 'Director' });
    expect(second.objects.find(({ id }) => id === gone)).toEqual({
      id: gone,
      '@removed': { reason: 'changed' },
    });
    expect(ids).not.toContain(other);
    graph.directory.restore(gone!);
    const third = await iterate(second.deltaLink);
    expect(third.objects.map(({ id }) => id)).toEqual([gone]);
  });

  it('creates a user, changes it, sets its manager and deletes it', async () => {
    const user = (await client.api('/users').post(newUser('story'))) as Person;
    expect(user).toMatchObject({ displayName: 'story', userPrincipalName: 'story@contoso.example' });
    expect(user).not.toHaveProperty('passwordProfile');
    const boss = graph.directory.list('user')[5]!.id;
    await client.api(`/users/${user.id}`).patch({ jobTitle: 'Author', accountEnabled: false });
    await client
      .api(`/users/${user.id}/manager/$ref`)
      .put({ '@odata.id': `${graph.graphUrl}/v1.0/users/${boss}` });
    const read = (await client
      .api('/users/story@contoso.example')
      .select(['jobTitle', 'accountEnabled'])
      .expand('manager($select=id)')
      .get()) as Person;
    expect(read).toMatchObject({ jobTitle: 'Author', accountEnabled: false, manager: { id: boss } });
    await client.api(`/users/${user.id}`).delete();
    await expect(client.api(`/users/${user.id}`).get()).rejects.toMatchObject({ statusCode: 404 });
  });

  it('uploads members in twenties and hears that one of them is there already', async () => {
    const group = (await client.api('/groups').post({
      displayName: 'Uploaded',
      mailEnabled: false,
      mailNickname: 'uploaded',
      securityEnabled: true,
    })) as Person;
    const people = graph.directory
      .list('user')
      .slice(0, 45)
      .map(({ id }) => id);
    for (let start = 0; start < people.length; start += 20)
      await client.api(`/groups/${group.id}`).patch(bind(people.slice(start, start + 20)));
    expect((await iterate(`/groups/${group.id}/members?$top=10`)).objects).toHaveLength(45);
    await expect(client.api(`/groups/${group.id}`).patch(bind(people.slice(0, 1)))).rejects.toMatchObject({
      statusCode: 400,
      code: 'Request_BadRequest',
      message:
        "One or more added object references already exist for the following modified properties: 'members'.",
    });
    await expect(client.api(`/groups/${group.id}`).patch(bind(people.slice(0, 21)))).rejects.toMatchObject({
      statusCode: 400,
    });
  });

  it('sends a batch and reads each answer by its id', async () => {
    graph.behaviour.batchReversesAnswers = true;
    const [some] = graph.directory.list('group');
    const content = new BatchRequestContent([
      step('1', 'GET', `/groups/${some!.id}?$select=displayName`),
      step('2', 'POST', '/users', newUser('batched')),
      step('3', 'GET', '/users/nobody@contoso.example'),
    ]);
    const posted = (await client.api('/$batch').post(await content.getContent())) as {
      responses: { id: string }[];
    };
    graph.behaviour.batchReversesAnswers = false;
    expect(posted.responses.map(({ id }) => id)).toEqual(['3', '2', '1']);
    const answers = new BatchResponseContent(posted);
    expect(await answers.getResponseById('1').json()).toMatchObject({ displayName: 'Engineering' });
    expect(answers.getResponseById('2').status).toBe(201);
    expect(answers.getResponseById('3').status).toBe(404);
  });

  it('skips what depends on a failed request of a batch', async () => {
    const content = new BatchRequestContent([step('1', 'GET', '/users/nobody@contoso.example')]);
    content.addRequest(step('2', 'GET', '/organization'));
    content.addDependency('2', '1');
    const posted: unknown = await client.api('/$batch').post(await content.getContent());
    const answers = new BatchResponseContent(posted as ConstructorParameters<typeof BatchResponseContent>[0]);
    expect(answers.getResponseById('2').status).toBe(424);
  });

  it('waits as long as Retry-After says after a 429 and tries again', async () => {
    graph.faults.plan({
      fault: { kind: 'status', status: 429, retryAfter: '0.128' },
      path: /^\/organization$/,
      times: 2,
    });
    const organization = (await client.api('/organization').get()) as PageCollection;
    expect(organization.value).toHaveLength(1);
    expect(graph.requests.list({ path: '/organization' }).map(({ status }) => status)).toEqual([
      429, 429, 200,
    ]);
  });

  it('turns the error envelope into its own error class', async () => {
    const error: unknown = await client
      .api('/users')
      .filter('city eq null')
      .get()
      .catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(GraphError);
    expect(error).toMatchObject({ statusCode: 400, code: 'Request_UnsupportedQuery' });
    expect((error as GraphError).requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect((error as GraphError).date).toBeInstanceOf(Date);
  });

  it('counts and searches with the headers that advanced queries need', async () => {
    const page = (await client
      .api('/users')
      .header('ConsistencyLevel', 'eventual')
      .search('"displayName:Ada"')
      .count(true)
      .top(5)
      .get()) as PageCollection & { '@odata.count': number };
    expect(page.value).toHaveLength(5);
    expect(page['@odata.count']).toBeGreaterThan(5);
  });

  it('is told of a wrong secret by the number of the authority', async () => {
    const wrong = new ClientSecretCredential(graph.tenantId, graph.clientId, 'wrong', authorityOf(graph));
    await expect(officialClient(graph, wrong).api('/organization').get()).rejects.toThrow(/AADSTS7000215/);
  });
});
