import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { HttpClient, type HttpClientOptions, type HttpRequest } from './client.ts';
import { BucketPace } from './pace.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, body: string) => void;

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

/** A server that answers by a list, its last entry for ever; and a client that waits for nothing. */
async function start(
  answers: readonly Answer[],
  options: Partial<HttpClientOptions> = {},
): Promise<{
  seen: { method: string; url: string; headers: IncomingMessage['headers']; body: string }[];
  waits: number[];
  origin: string;
  send: (request: Partial<HttpRequest>) => ReturnType<HttpClient['send']>;
}> {
  const seen: Awaited<ReturnType<typeof start>>['seen'] = [];
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => (body += String(chunk)));
    request.on('end', () => {
      const answer = answers[Math.min(seen.length, answers.length - 1)]!;
      seen.push({ method: request.method!, url: request.url!, headers: request.headers, body });
      answer(request, response, body);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const waits: number[] = [];
  const client = new HttpClient({
    baseUrl: `${origin}/base`,
    systemName: 'the service',
    wait: (seconds, signal) => {
      waits.push(seconds);
      signal.throwIfAborted();
      return Promise.resolve();
    },
    ...options,
  });
  cleanups.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  cleanups.push(() => client[Symbol.asyncDispose]());
  const signal = new AbortController().signal;
  return {
    seen,
    waits,
    origin,
    send: (request) => client.send({ method: 'GET', path: '/x', signal, ...request }),
  };
}

const json =
  (status: number, body: unknown, headers: Record<string, string> = {}): Answer =>
  (_request, response) =>
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));

const echo: Answer = (request, response, body) =>
  json(400, { detail: `${request.headers.authorization} ${body} ${decodeURIComponent(body)}` })(
    request,
    response,
    '',
  );
const broken: Answer = (_request, response) => void response.destroy();
const cut: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
  response.write('{"value":[');
  response.destroy();
};

describe('HttpClient', () => {
  test('appends path and query to the base and gives status, headers and JSON', async () => {
    const service = await start([json(404, { error: 'none' }, { 'X-Request': 'r1' })]);
    const response = await service.send({ path: '/users?a=1', query: { $top: 5, none: undefined } });
    expect(response).toMatchObject({ status: 404, body: { error: 'none' }, headers: { 'x-request': 'r1' } });
    expect(service.seen[0]?.url).toBe('/base/users?a=1&%24top=5');
  });

  test('sends JSON, and forms where a form is given', async () => {
    const service = await start([json(200, {})]);
    await service.send({ method: 'POST', body: { name: 'Zoë' } });
    await service.send({ method: 'POST', form: { a: 'b c' } });
    expect(service.seen.map(({ headers, body }) => [headers['content-type'], body])).toEqual([
      ['application/json', '{"name":"Zoë"}'],
      ['application/x-www-form-urlencoded', 'a=b+c'],
    ]);
  });

  test('an empty answer has no body', async () => {
    const service = await start([(_request, response) => response.writeHead(204).end()]);
    expect(await service.send({ method: 'DELETE' })).toMatchObject({
      status: 204,
      body: undefined,
      text: '',
    });
  });

  test('an absolute address of the same origin is followed, one of another origin never', async () => {
    const service = await start([json(200, {})], { authorize: () => Promise.resolve('Bearer secret') });
    await service.send({ path: `${service.origin}/elsewhere?$skiptoken=1` });
    expect(service.seen[0]?.url).toBe('/elsewhere?$skiptoken=1');
    const other = service.send({ path: 'http://localhost:1/base/users' });
    await expect(other).rejects.toMatchObject({ code: 'ProtocolError' });
    expect(service.seen).toHaveLength(1);
  });

  test('a redirect is an answer like another', async () => {
    const service = await start([json(302, {}, { location: 'http://localhost:1/' })]);
    expect((await service.send({})).status).toBe(302);
    expect(service.seen).toHaveLength(1);
  });

  test('an error that shows the request comes without its credentials', async () => {
    const bearer = await start([echo], { authorize: () => Promise.resolve('Bearer s3cret"token') });
    expect((await bearer.send({})).body).toEqual({ detail: 'Bearer ***  ' });
    const form = { client_id: 'me', client_secret: 's3cret/word', client_assertion: 'a.b.c' };
    const posted = await (await start([echo])).send({ method: 'POST', form });
    expect(posted.text).not.toMatch(/s3cret|a\.b\.c/);
    expect(posted.text).toContain('client_id=me&client_secret=***');
    const pair = Buffer.from('me:s3cret%2Fword').toString('base64');
    const told: Answer = (request, response) =>
      json(401, [pair, 's3cret/word', 's3cret%2Fword'])(request, response, '');
    const basic = await (await start([told])).send({ headers: { authorization: `Basic ${pair}` } });
    expect(basic.body).toEqual(['***', '***', '***']);
    const secret = 'a/b<c&d\u00e4';
    const ways = ['a\\/b<c&d\\u00e4', 'a/b&lt;c&amp;d\u00e4', 'a%2fb%3cc%26d%c3%a4'];
    const raw: Answer = (_request, response) => response.writeHead(400).end(ways.join(' '));
    const odd = await start([raw], { authorize: () => Promise.resolve(`Bearer ${secret}`) });
    expect((await odd.send({})).text).toBe('*** *** ***');
  });

  test('waits as long as Retry-After says, fractions too, and tells of it', async () => {
    const told: number[] = [];
    const service = await start([json(429, {}, { 'retry-after': '2.128' }), json(200, { ok: true })], {
      onThrottled: (seconds) => told.push(seconds),
    });
    expect((await service.send({ method: 'POST', body: {} })).body).toEqual({ ok: true });
    expect([service.waits, told]).toEqual([[2.128], [2.128]]);
  });

  test('502 is tried again only for what may be repeated', async () => {
    const reading = await start([json(502, {}), json(200, {})]);
    expect((await reading.send({})).status).toBe(200);
    const writing = await start([json(502, {}), json(200, {})]);
    expect((await writing.send({ method: 'POST', body: {} })).status).toBe(502);
    expect((await writing.send({ method: 'POST', body: {}, idempotent: true })).status).toBe(200);
  });

  test('gives up after its retries, and at once where the wait would be too long', async () => {
    const service = await start([json(503, {})], { retries: 2 });
    expect((await service.send({})).status).toBe(503);
    expect(service.seen).toHaveLength(3);
    const later = await start([json(429, {}, { 'retry-after': '86400' })]);
    expect((await later.send({})).status).toBe(429);
    expect(later.seen).toHaveLength(1);
  });

  test('a connection that breaks is tried again only for what may be repeated', async () => {
    const reading = await start([broken, json(200, {})]);
    expect((await reading.send({})).status).toBe(200);
    const writing = await start([broken, json(200, {})]);
    await expect(writing.send({ method: 'POST', body: {} })).rejects.toMatchObject({
      code: 'ConnectionFailed',
    });
    expect(writing.seen).toHaveLength(1);
  });

  test('an answer that is cut off is no answer', async () => {
    const service = await start([cut], { retries: 0 });
    await expect(service.send({})).rejects.toMatchObject({ code: 'ConnectionFailed' });
  });

  test('after 401 the authorization is asked for anew, once', async () => {
    let given = 0;
    const service = await start([json(401, {}), json(200, {}), json(401, {})], {
      authorize: () => Promise.resolve(`Bearer t${given}`),
      forgetAuthorization: () => (given += 1),
    });
    expect((await service.send({})).status).toBe(200);
    expect((await service.send({})).status).toBe(401);
    expect(service.seen.map(({ headers }) => headers.authorization)).toEqual([
      'Bearer t0',
      'Bearer t1',
      'Bearer t1',
      'Bearer t2',
    ]);
  });

  test.each([
    ['HTML', '<html>sign in</html>', 'ProtocolError'],
    ['half a document', '{"value":', 'ProtocolError'],
    ['a deep one', '['.repeat(5000) + ']'.repeat(5000), 'ProtocolError'],
    ['a large one', `"${'x'.repeat(70_000)}"`, 'LimitExceeded'],
  ])('an answer of success with %s is refused', async (_name, text, code) => {
    const service = await start([(_request, response) => response.writeHead(200).end(text)], {
      maxResponseBytes: 65_536,
    });
    await expect(service.send({})).rejects.toMatchObject({ code });
    expect(service.seen).toHaveLength(1);
  });

  test("a proxy's page of failure counts by its status", async () => {
    const service = await start([(_request, response) => response.writeHead(500).end('<html>')]);
    expect(await service.send({})).toMatchObject({ status: 500, body: undefined, text: '<html>' });
  });

  test('a silent server costs no more than the limit', async () => {
    const service = await start([() => undefined], { timeoutSeconds: 0.05, retries: 0 });
    await expect(service.send({})).rejects.toThrow('no whole answer within 0.05 s');
  });

  test('stops at once when it is cancelled, during an exchange and during a wait', async () => {
    const controller = new AbortController();
    const silent = await start([() => controller.abort()]);
    await expect(silent.send({ signal: controller.signal })).rejects.toMatchObject({ code: 'Cancelled' });
    const second = new AbortController();
    const busy: Answer = (request, response, body) => {
      json(429, {}, { 'retry-after': '500' })(request, response, body);
      setImmediate(() => second.abort());
    };
    const { waitSeconds } = await import('./wait.ts');
    const throttled = await start([busy], { wait: waitSeconds });
    await expect(throttled.send({ signal: second.signal })).rejects.toMatchObject({ code: 'Cancelled' });
  });

  test('a port where nobody listens is named, with a remedy', async () => {
    const service = await start([json(200, {})]);
    const closed = new HttpClient({ baseUrl: 'http://127.0.0.1:1', systemName: 'the service', retries: 0 });
    cleanups.push(() => closed[Symbol.asyncDispose]());
    const signal = new AbortController().signal;
    await expect(closed.send({ method: 'GET', path: '/', signal })).rejects.toMatchObject({
      code: 'ConnectionFailed',
      remedy: expect.stringContaining('port') as string,
    });
    expect(service.seen).toHaveLength(0);
  });

  test('each try takes from the pace, and a throttled one makes all wait', async () => {
    let now = 0;
    const pace = new BucketPace(
      { requests: { amount: 100, seconds: 10 } },
      { now: () => now, wait: (seconds) => Promise.resolve(void (now += seconds)) },
    );
    const service = await start([json(429, {}, { 'retry-after': '7' }), json(200, {})], { pace });
    await service.send({ cost: { requests: 5 } });
    expect(now).toBeGreaterThanOrEqual(7);
  });
});
