import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { openIdleApplication } from '../../../test/servers/application.ts';
import { describeOnServerStore } from '../../../test/servers/shared-store.ts';
import { everySurface } from './every-surface.ts';
import { buildServer } from './server.ts';

const limit = 1000;

/** Reads until a text has come. @returns what came. */
async function readUntil(socket: Socket, text: string): Promise<string> {
  let read = '';
  while (!read.includes(text)) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    read += chunk.toString('latin1');
  }
  return read;
}

describeOnServerStore('bodies that are too large', (makeStore) => {
  test.each([
    ['/api/v3/providers/scim/', '413 Payload Too Large', '"detail"'],
    ['/api/v1/organizations/1/actionBatches', '400 Bad Request', '"errors"'],
    ['/', '413 Payload Too Large', '"RequestEntityTooLarge"'],
    ['/lockstep/v1/access-keys', '413 Payload Too Large', '"code"'],
  ])('at %s are answered while they are sent, and the connection lives on', async (path, status, member) => {
    const app = await openIdleApplication(await makeStore());
    const server = buildServer(app, { version: '0.0.0', surfaces: everySurface, bodyLimit: limit });
    const url = new URL(await server.listen({ host: '127.0.0.1', port: 0 }));
    const socket = connect(Number(url.port), url.hostname);
    const head = (length: number) =>
      `POST ${path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${app.credentials.apiToken}\r\n` +
      `Content-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`;
    try {
      socket.write(head(3 * limit) + 'x'.repeat(limit));
      const answer = await readUntil(socket, member);
      expect(answer).toContain(` ${status}`);
      // What is left of the first body, and another request behind it.
      socket.write('x'.repeat(2 * limit) + head(2));
      socket.write('{}');
      expect(await readUntil(socket, 'HTTP/1.1')).toContain('HTTP/1.1 4');
    } finally {
      socket.destroy();
      await server.close();
    }
  });
});
