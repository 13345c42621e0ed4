import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ask, askAll } from '../ask.ts';
import { makeCompany } from '../company.ts';
import { trust } from '../official-clients.ts';
import { startGraphSimulator, type GraphSimulator } from '../simulator.ts';

let graph: GraphSimulator;
const skuId = '6fd2c87f-b296-42f0-b197-1e91e994b900';

beforeAll(async () => {
  graph = await startGraphSimulator();
  trust(graph);
  graph.directory.seed(makeCompany({ users: 300, domain: 'contoso.example', skuId }));
});
afterAll(() => graph.stop());

const eventual = { headers: { consistencylevel: 'eventual' } };
const users = (query: string, options = {}): ReturnType<typeof ask> =>
  ask(graph, 'GET', `/users?${query}`, undefined, options);
const filter = (expression: string): string =>
  `$top=999&$select=id&$filter=${encodeURIComponent(expression)}`;

describe('pages', () => {
  it('have a hundred objects, or as many as $top says up to 999', async () => {
    const { pages } = await askAll(graph, '/users');
    expect(pages.map((page) => page.length)).toEqual([100, 100, 100]);
    expect((await users('$top=999')).value).toHaveLength(300);
    expect((await users('$top=7')).value).toHaveLength(7);
  });

  it.each(['0', '1000', '-1', 'all'])('refuse $top=%s', async (top) => {
    expect((await users(`$top=${top}`)).status).toBe(400);
  });

  it('go on after an object that was deleted meanwhile, and refuse a made-up token', async () => {
    const first = await users('$top=100&$select=id');
    const { id } = graph.directory.get(String(first.value[99]!['id']));
    graph.directory.delete(id);
    const second = await ask(graph, 'GET', String(first.body['@odata.nextLink']));
    graph.directory.restore(id);
    expect(second.value).toHaveLength(100);
    expect((await users('$skiptoken=made-up')).status).toBe(400);
  });

  it('keep select and filter in the nextLink', async () => {
    const { objects } = await askAll(
      graph,
      `/users?$top=20&$select=id&$filter=${encodeURIComponent("department eq 'Sales'")}`,
    );
    expect(objects).toHaveLength(37);
    expect(Object.keys(objects[36]!)).toEqual(['id']);
  });
});

describe('$select', () => {
  it('gives the default set when absent, and null or empty lists for what was never set', async () => {
    const [user] = (await users('$top=1')).value;
    expect(Object.keys(user!).sort()).toEqual(
      'businessPhones displayName givenName id jobTitle mail mobilePhone officeLocation preferredLanguage surname userPrincipalName'.split(
        ' ',
      ),
    );
    expect(user).toMatchObject({ mobilePhone: null });
    expect((await users('$top=1&$select=proxyAddresses')).value).toEqual([{ proxyAddresses: [] }]);
  });

  it('refuses unknown names', async () => {
    const { status, message } = await users('$select=shoeSize');
    expect(status).toBe(400);
    expect(message).toBe(
      "Parsing OData Select and Expand failed: Could not find a property named 'shoeSize' on type 'microsoft.graph.user'.",
    );
  });
});

describe('$filter', () => {
  it.each([
    ["userPrincipalName eq 'ADA.adeyemi0@contoso.example'", 1],
    ["startswith(displayName,'Ada')", 25],
    ["department eq 'Sales' and accountEnabled eq false", 0],
    ["city eq 'Berlin' or city eq 'Osaka'", 120],
    ["(city eq 'Berlin' or city eq 'Osaka') and department eq 'Sales'", 14],
    ["employeeId in ('10001','10002','9')", 2],
    ['accountEnabled eq false', 6],
    ["userType eq 'Guest'", 3],
    [`assignedLicenses/any(l:l/skuId eq ${skuId})`, 100],
    ["businessPhones/any(p:p eq '+49 30 000007')", 1],
    ["displayName eq 'O''Neil'", 0],
    ["id eq '00000001-0000-4000-8000-000000000000'", 1],
  ])('%s', async (expression, count) => {
    const { status, value } = await users(filter(expression));
    expect([status, value.length]).toEqual([200, count]);
  });

  it.each([
    ["department ne 'Sales'", 263],
    ["not(startswith(displayName,'Ada'))", 275],
    ["endswith(mail,'@partner.example')", 3],
    ['jobTitle eq null', 0],
    ["officeLocation eq 'x'", 0],
    ['assignedLicenses/$count eq 0', 200],
  ])('%s needs ConsistencyLevel eventual and $count', async (expression, count) => {
    const plain = await users(filter(expression));
    expect([plain.status, plain.code]).toEqual([400, 'Request_UnsupportedQuery']);
    expect((await users(filter(expression), eventual)).status).toBe(400);
    expect((await users(`${filter(expression)}&$count=true`)).status).toBe(400);
    const { status, value, body } = await users(`${filter(expression)}&$count=true`, eventual);
    expect([status, value.length, body['@odata.count']]).toEqual([200, count, count]);
  });

  it.each([
    ["contains(displayName,'a')", 'Request_UnsupportedQuery'],
    ["onPremisesDistinguishedName eq 'x'", 'Request_UnsupportedQuery'],
    ["shoeSize eq 'x'", 'BadRequest'],
    ["displayName eq 'x", 'BadRequest'],
    ["displayName eq 'x' and", 'BadRequest'],
    ['displayName', 'BadRequest'],
    ["displayName is 'x'", 'BadRequest'],
  ])('refuses %s', async (expression, code) => {
    expect(await users(filter(expression))).toMatchObject({ status: 400, code });
  });

  it('finds groups by kind', async () => {
    graph.directory.addGroup({ displayName: 'Unified', groupTypes: ['Unified'], mailEnabled: true });
    const path = `/groups?$filter=${encodeURIComponent("groupTypes/any(c:c eq 'Unified')")}`;
    expect((await ask(graph, 'GET', path)).value).toHaveLength(1);
    expect((await ask(graph, 'GET', `/groups?${filter("displayName eq 'everybody'")}`)).value).toHaveLength(
      1,
    );
  });
});

describe('other options', () => {
  it('$search needs ConsistencyLevel', async () => {
    const search = `$search=${encodeURIComponent('"displayName:Ada" OR "mail:lin"')}&$top=999`;
    const refused = await users(search);
    expect([refused.status, refused.code]).toEqual([400, 'Request_UnsupportedQuery']);
    expect((await users(search, eventual)).value).toHaveLength(50);
    expect((await users('$search=Ada', eventual)).status).toBe(400);
  });

  it('$count is left out without ConsistencyLevel', async () => {
    expect((await users('$count=true')).body).not.toHaveProperty('@odata.count');
    expect((await users('$count=true', eventual)).body).toMatchObject({ '@odata.count': 300 });
    expect((await ask(graph, 'GET', '/users/$count')).status).toBe(400);
  });

  it('$orderby sorts across pages', async () => {
    const { objects } = await askAll(graph, '/users?$orderby=displayName desc&$select=displayName&$top=120');
    const names = objects.map(({ displayName }) => String(displayName).toLowerCase());
    expect(names).toHaveLength(300);
    expect(names).toEqual([...names].sort((left, right) => (left < right ? 1 : left > right ? -1 : 0)));
    expect((await users('$orderby=city')).status).toBe(400);
  });

  it.each([
    '$skip=5',
    '$foo=1',
    '$count=maybe',
    '$top=5&$top=6',
    '$expand=photo',
    '$expand=manager($filter=x)',
  ])('refuses %s', async (query) => {
    expect((await users(query)).status).toBe(400);
  });
});
