import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { BerReader, tags } from '../../server/src/connectors/ldap/protocol/ber/reader.ts';

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
}

/** A server that does with each LDAPMessage (RFC 4511 section 4.1.1), its envelope opened, what a test wants. */
export async function startScripted(
  serve: (message: BerReader, socket: Socket) => void,
): Promise<ScriptedServer> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      const reader = new BerReader(chunk);
      while (reader.peek() === tags.sequence) serve(reader.inner(tags.sequence), socket);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `ldap://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
