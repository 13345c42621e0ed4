import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';

export interface ClientAnswer<Data> {
  readonly status: number;
  readonly data: Data;
  readonly requestId: string;
}

/** `@boundlessdigital/meraki-sdk` in a process of the Node that its import syntax needs. */
export interface NpmClient extends AsyncDisposable {
  request<Data>(method: string, url: string, more?: object): Promise<ClientAnswer<Data>>;
}

const folder = import.meta.dirname;
const architecture = process.arch === 'arm64' ? 'arm64' : 'x64';
const node20 = join(folder, `client/node_modules/node-linux-${architecture}/bin/node`);

export function openNpmClient(url: string, key: string): NpmClient {
  const child = spawn(node20, ['--no-warnings', join(folder, 'call-client.js'), url, key], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  let trouble = '';
  child.stderr.on('data', (chunk: Buffer) => (trouble += chunk.toString('utf8')));
  return {
    request: async <Data>(method: string, address: string, more: object = {}) => {
      child.stdin.write(`${JSON.stringify({ method, url: address, ...more })}\n`);
      const line = await lines.next();
      if (line.done === true) throw new Error(`the client ended: ${trouble}`);
      return JSON.parse(line.value) as ClientAnswer<Data>;
    },
    [Symbol.asyncDispose]: async () => {
      if (child.exitCode !== null) return;
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
