import Fastify from 'fastify';
import { expect, test } from 'vitest';
import { openLog } from './log.ts';

test('requests are logged by method, path and sender, without their query and the tokens of links', async () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  const server = Fastify({ loggerInstance: log });
  server.get('/eiam/', () => ({}));
  server.setNotFoundHandler(async (_request, reply) => reply.code(404).send({}));
  await server.inject({ url: '/eiam/?Action=UpdateUserPassword&Password=hunter2' });
  await server.inject({ url: '/nowhere?Password=hunter2' });
  await server.inject({ url: '/download/hunter2/changes.csv' });
  await server.close();
  const requests = lines
    .map((line) => JSON.parse(line) as { req?: Record<string, unknown> })
    .flatMap(({ req }) => req ?? []);
  expect(requests).toMatchObject([
    { method: 'GET', url: '/eiam/', remoteAddress: '127.0.0.1' },
    { method: 'GET', url: '/nowhere' },
    { method: 'GET', url: '/download/TOKEN/changes.csv' },
  ]);
  expect(lines.join('')).not.toContain('hunter2');
});

test('an error is logged without the client of the database that it came from', () => {
  const lines: string[] = [];
  const log = openLog('info', { write: (line) => void lines.push(line) });
  log.error(Object.assign(new Error('Connection terminated'), { code: '57P01', client: { user: 'me' } }));
  const { err } = JSON.parse(lines[0] ?? '') as { err: Record<string, unknown> };
  expect(err).toMatchObject({ type: 'Error', message: 'Connection terminated', code: '57P01' });
  expect(err).not.toHaveProperty('client');
});
