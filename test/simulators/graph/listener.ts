import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { issueCertificate, makeAuthority } from '../../servers/certificates.ts';

/** A certificate for 127.0.0.1 and localhost, and the test authority that signed it. */
export interface Certificates {
  readonly directory: string;
  readonly caFile: string;
  readonly caPem: string;
  readonly cert: string;
  readonly key: string;
}

/** Makes certificates in a temporary directory, which the caller removes. */
export async function makeCertificates(): Promise<Certificates> {
  const directory = await mkdtemp(join(tmpdir(), 'graph-simulator-'));
  try {
    const authority = await makeAuthority(directory);
    const names = ['IP:127.0.0.1', 'DNS:localhost'];
    const { certFile, keyFile } = await issueCertificate(authority, directory, 'server', names);
    const [caPem, cert, key] = await Promise.all(
      [authority.caFile, certFile, keyFile].map((file) => readFile(file, 'utf8')),
    );
    return { directory, caFile: authority.caFile, caPem: caPem!, cert: cert!, key: key! };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

export interface Listener {
  readonly url: string;
  /** Ends open connections too. */
  close(): Promise<void>;
}

/** Answers one request, whose body has been read. */
export type Answer = (
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  body: string,
) => Promise<void> | void;

/** Listens on 127.0.0.1 by TLS, on a free port when none is given. */
export async function listen(
  certificates: Certificates,
  port: number | undefined,
  answer: Answer,
): Promise<Listener> {
  const { cert, key } = certificates;
  const server = createServer({ cert, key, keepAliveTimeout: 60_000 }, (incoming, outgoing) => {
    void respond(incoming, outgoing, answer);
  });
  server.listen(port ?? 0, '127.0.0.1');
  await once(server, 'listening');
  const { port: actual } = server.address() as AddressInfo;
  return {
    url: `https://127.0.0.1:${actual}`,
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** A failure of the simulator itself is a 500 that says so, and no end of the process. */
async function respond(incoming: IncomingMessage, outgoing: ServerResponse, answer: Answer): Promise<void> {
  try {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    await answer(incoming, outgoing, Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    if (outgoing.headersSent || outgoing.destroyed) return void outgoing.destroy();
    outgoing.writeHead(500, { 'content-type': 'text/plain' });
    outgoing.end(`The simulator failed: ${error instanceof Error ? error.stack : String(error)}`);
  }
}
