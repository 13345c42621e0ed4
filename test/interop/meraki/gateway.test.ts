import { connect } from 'node:net';
import { once } from 'node:events';
import { expect, test } from 'vitest';
import { describeOnServerStore } from '../../servers/shared-store.ts';
import { linksOf, serveMeraki, type Answer, type MerakiApi } from './meraki-api.ts';

/** Every error has a body that a client can read a reason from. */
function expectErrors(answer: Answer<unknown>, status: number, text?: string | RegExp): void {
  expect(answer.status, JSON.stringify(answer.body)).toBe(status);
  expect(answer.headers.get('content-type')).toContain('application/json');
  expect(answer.headers.get('x-request-id')).toMatch(/^[0-9a-f-]{36}$/);
  const { errors, ...rest } = answer.body as { errors: string[] };
  expect(rest).toEqual({});
  expect(errors.length).toBeGreaterThan(0);
  expect(errors.every((error) => typeof error === 'string' && error !== '')).toBe(true);
  if (text !== undefined) expect(errors[0]).toMatch(text);
}

/** Sends a request line that no HTTP library would send. */
async function sendRaw(api: MerakiApi, target: string, headers: readonly string[]): Promise<string> {
  const { port } = new URL(api.url);
  const socket = connect(Number(port), '127.0.0.1');
  await once(socket, 'connect');
  socket.write(
    [`GET ${target} HTTP/1.1`, 'Host: 127.0.0.1', 'Connection: close', ...headers, '', ''].join('\r\n'),
  );
  const chunks: Buffer[] = [];
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  await once(socket, 'close');
  return Buffer.concat(chunks).toString('utf8');
}

describeOnServerStore('gateway of the Meraki API', (makeStore) => {
  test('either header brings the key, and nothing comes without', async () => {
    await using api = await serveMeraki(await makeStore());
    const key = api.app.credentials.apiToken;
    const path = '/api/v1/administered/identities/me';
    const forms: Record<string, string>[] = [
      { authorization: `Bearer ${key}` },
      { authorization: `bearer ${key}` },
      { 'x-cisco-meraki-api-key': key },
    ];
    for (const headers of forms)
      expect((await api.send('GET', path, undefined, headers)).body).toMatchObject({ name: 'administrator' });
    expectErrors(await api.send('GET', path, undefined, {}), 401, 'Missing API key');
    for (const wrong of ['x', key.slice(1), `${key}0`, 'x'.repeat(2000)])
      expectErrors(
        await api.send('GET', path, undefined, { authorization: `Bearer ${wrong}` }),
        401,
        'Incorrect',
      );
    expectErrors(await api.send('GET', '/api/v1/nowhere', undefined, {}), 401);
    // Before the body is looked at.
    expectErrors(await api.send('POST', '/api/v1/organizations/1/iam/users/search', '{', {}), 401);
  });

  test('all that is wrong is told in one shape', async () => {
    await using api = await serveMeraki(await makeStore());
    const iam = `/api/v1/organizations/${api.organizationId}/iam/users`;
    expectErrors(await api.send('GET', '/api/v1/nowhere'), 404);
    expectErrors(await api.send('GET', `${iam}/idps`), 405, 'GET');
    expect((await api.send('GET', `${iam}/idps`)).headers.get('allow')).toBe('POST');
    expectErrors(await api.send('PATCH', `${iam}/idps/1`), 405);
    for (const id of ['2', '0', '999999999999999999999', 'x', '..%2f1', 'idaas_aaaaaaaaaaaaaaaaaaaaaaaaaa'])
      expectErrors(
        await api.send('GET', `/api/v1/organizations/${id}/iam/users/summaryPanel`),
        404,
        'Organization',
      );
    expectErrors(await api.send('GET', '/api/v1/organizations/%ff'), 400);
    for (const query of ['authZoneType=%00', 'idpIds[]=1&idpIds[]=%00', '%00=1'])
      expectErrors(await api.send('GET', `${iam}/idps/sync/latest?${query}`), 400, 'contains U');
    for (const id of ['77', 'bad%2F..%2Fx', '%00', 'sync', '1e3', '-1', '1.5'])
      expectErrors(await api.send('GET', `${iam}/idps/${id}/authZones`), 404);
    const search = `${iam}/search`;
    expectErrors(await api.send('POST', search, '{"a":'), 400, 'JSON');
    expectErrors(await api.send('POST', search, '[]'), 400, 'object');
    expectErrors(await api.send('POST', search, `${'['.repeat(500)}${']'.repeat(500)}`), 400);
    expectErrors(await api.send('POST', search, { searchQuery: 'x'.repeat(30_000) }), 400, 'too large');
    expectErrors(await api.send('POST', search, '{"searchQuery":"\\u0000"}'), 400);
    expectErrors(await api.send('POST', search, { sortKey: 'colour' }), 400, "'sortKey'");
    expectErrors(await api.send('POST', search, { perPage: 'many' }), 400, "'perPage'");
    expectErrors(await api.send('POST', search, { userIds: 5 }), 400, "'userIds'");
    const xml = { authorization: `Bearer ${api.app.credentials.apiToken}`, 'content-type': 'text/xml' };
    const response = await fetch(`${api.url}${search}`, { method: 'POST', headers: xml, body: '<a/>' });
    expect([response.status, await response.json()]).toEqual([
      400,
      { errors: [expect.stringContaining('json')] },
    ]);
    // A body that names a member twice is read like any JSON; one without any is an empty search.
    expect((await api.send('POST', search, '{"perPage":5,"perPage":6}')).status).toBe(200);
    expect((await api.send('POST', search)).status).toBe(200);
  });

  test('nothing is redirected, and the paths that clients make of links are understood', async () => {
    await using api = await serveMeraki(await makeStore());
    const key = `Authorization: Bearer ${api.app.credentials.apiToken}`;
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/sync/history?perPage=3`;
    for (const target of [
      path,
      `/api/v1http://127.0.0.1:18080${path}`,
      `/api/v1https:/lockstep.example${path}`,
      `/api/v1/https://lockstep.example${path}`,
      path.replace('?', '/?'),
    ]) {
      const answer = await sendRaw(api, target, [key]);
      expect(answer.split('\r\n')[0], target).toBe('HTTP/1.1 200 OK');
      expect(answer).toContain('"meta"');
    }
    expect((await sendRaw(api, '/api/v1http://evil.example/elsewhere', [key])).split(' ')[1]).toBe('404');
    expect((await sendRaw(api, path, [])).split(' ')[1]).toBe('401');
  });

  test('links lead where the client came from', async () => {
    await using api = await serveMeraki(await makeStore());
    const key = { authorization: `Bearer ${api.app.credentials.apiToken}` };
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/sync/history`;
    const first = async (headers: Record<string, string>) =>
      linksOf(await api.send('GET', path, undefined, { ...key, ...headers }))['first'] ?? '';
    expect(await first({})).toContain(`${api.url}/api/v1/`);
    const proxied = { 'x-forwarded-host': 'api.example:8443, inner', 'x-forwarded-proto': 'https' };
    expect(await first(proxied)).toContain('https://api.example:8443/api/v1/');
    expect(await first({ 'x-forwarded-host': 'evil>; rel=next, <x' })).toContain(api.url);
  });

  test('a body may be left out where its media type is named', async () => {
    await using api = await serveMeraki(await makeStore());
    const headers = {
      authorization: `Bearer ${api.app.credentials.apiToken}`,
      'content-type': 'application/json',
    };
    const path = `/api/v1/organizations/${api.organizationId}/iam/users/idps/users/77`;
    expectErrors(await api.send('DELETE', path, undefined, headers), 404, 'user 77');
  });

  test('an organization has 10 calls at once and 10 more a second', async () => {
    let now = Date.now();
    await using api = await serveMeraki(await makeStore(), { clock: { now: () => new Date(now) } });
    const call = async () => api.send('GET', '/api/v1/organizations');
    now += 1000;
    const answers = await Promise.all(Array.from({ length: 12 }, call));
    const refused = answers.filter(({ status }) => status === 429);
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(10);
    expect(refused).toHaveLength(2);
    for (const answer of refused) {
      expectErrors(answer, 429, 'API rate limit exceeded for organization');
      expect(answer.headers.get('retry-after')).toBe('1');
    }
    now += 300;
    expect(
      (await Promise.all(Array.from({ length: 4 }, call)))
        .map(({ status }) => status)
        .sort((left, right) => left - right),
    ).toEqual([200, 200, 200, 429]);
  });

  test('organizations, the caller and the document of the API', async () => {
    await using api = await serveMeraki(await makeStore());
    const one = await api.send('GET', `/api/v1/organizations/${api.organizationId}`);
    expect(one.body).toMatchObject({ id: api.organizationId, name: 'default', url: `${api.url}/` });
    const spec = `/api/v1/organizations/${api.organizationId}/openapiSpec`;
    const { paths } = (await api.send('GET', `${spec}?version=3`)).body as {
      paths: Record<string, Record<string, { operationId: string }>>;
    };
    const ids = Object.values(paths).flatMap((methods) =>
      Object.values(methods).map((one) => one.operationId),
    );
    expect(ids.filter((id) => /Iam|search/.test(id))).toHaveLength(23);
    expect(new Set(ids).size).toBe(ids.length);
    expectErrors(await api.send('GET', `${spec}?version=2`), 400);
  });
});
