import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { Inlet } from './inlet.ts';

/** What a socket with an inlet is given by a server that sends `bytes` and closes. */
async function receive(bytes: Buffer): Promise<readonly Buffer[]> {
  const server = createServer((peer) => peer.end(bytes)).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const inlet = new Inlet();
  const { port } = server.address() as AddressInfo;
  const socket = connect({ host: '127.0.0.1', port, onread: inlet.onread });
  const chunks: Buffer[] = [];
  try {
    await once(socket, 'connect');
    inlet.open((chunk) => chunks.push(chunk));
    socket.resume();
    await once(socket, 'close');
  } finally {
    socket.destroy();
    server.close();
  }
  return chunks;
}

test('chunks stay as they came, over many buffers', async () => {
  const sent = Buffer.alloc(3_000_000);
  for (let at = 0; at < sent.length; at += 4) sent.writeUInt32LE(at, at);
  const chunks = await receive(sent);
  expect(Buffer.concat(chunks).equals(sent)).toBe(true);
  expect(new Set(chunks.map(({ buffer }) => buffer)).size).toBeGreaterThan(5);
});

test('what comes before somebody listens is kept, what comes after is thrown away', () => {
  const inlet = new Inlet();
  const feed = (text: string): void => void inlet.onread.callback(inlet.onread.buffer().write(text));
  const chunks: string[] = [];
  feed('one');
  feed('two');
  inlet.open((chunk) => chunks.push(chunk.toString()));
  feed('three');
  inlet.close();
  feed('four');
  expect(chunks).toEqual(['one', 'two', 'three']);
});
