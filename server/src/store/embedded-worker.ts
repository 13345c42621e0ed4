import { inspect } from 'node:util';
import { parentPort, workerData } from 'node:worker_threads';
import type { MessagePort } from 'node:worker_threads';
import { PGlite } from '@electric-sql/pglite';

/** Messages to the thread: bytes of the PostgreSQL protocol, rows for the next COPY, or the end. */
export type ToEmbeddedWorker =
  | { readonly kind: 'frontend'; readonly bytes: Uint8Array }
  | { readonly kind: 'rows'; readonly bytes: Uint8Array }
  | { readonly kind: 'close' };
export type FromEmbeddedWorker =
  | { readonly kind: 'ready' }
  | { readonly kind: 'refused'; readonly text: string }
  | { readonly kind: 'backend'; readonly bytes: Uint8Array<ArrayBuffer>; readonly last: boolean }
  | { readonly kind: 'closed' };

const answerLength = 64 * 1024;

/** What the engine's in-memory file system offers for a device; PGlite's own type is not exported. */
interface DeviceFileSystem {
  makedev(major: number, minor: number): number;
  registerDevice(id: number, operations: object): void;
  mkdev(path: string, id: number): void;
}

/** A device that a COPY reads its rows from. PGlite's /dev/blob does the same byte by byte. */
function makeRowDevice(engine: PGlite): { load(bytes: Uint8Array): void } {
  let rows = new Uint8Array(0) as Uint8Array;
  const files = engine.Module.FS as unknown as DeviceFileSystem;
  const id = files.makedev(64, 1);
  files.registerDevice(id, {
    open: () => undefined,
    close: () => undefined,
    read: (_stream: unknown, target: Uint8Array, offset: number, length: number, position: number) => {
      const part = rows.subarray(position, position + length);
      target.set(part, offset);
      return part.length;
    },
    llseek: (stream: { position: number }, offset: number, whence: number) =>
      ([0, stream.position, rows.length][whence] ?? 0) + offset,
  });
  files.mkdev('/dev/lockstep-rows', id);
  return {
    load(bytes) {
      rows = bytes;
    },
  };
}

function answer(port: MessagePort, parts: Uint8Array[], last: boolean): void {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  port.postMessage({ kind: 'backend', bytes, last } satisfies FromEmbeddedWorker, [bytes.buffer]);
}

/**
 * The fields of an ErrorResponse after which a server ends, with its message; no value in an answer has a zero in it. A
 * file that is not there (58P01) means that the data directory was taken away: no later statement would find it again.
 */
const lastWords = /\0V(?:(?:PANIC|FATAL)\0C[^\0]*|ERROR\0C58P01)\0M([^\0]*)\0/;

/**
 * Runs protocol messages to their end, handing on the answer in pieces while it is being made.
 * @throws when the engine gives up, as without space for its log: a server ends then, and this one would go on with
 * whatever is in its memory, and leave statements without an answer.
 */
async function converse(engine: PGlite, port: MessagePort, message: Uint8Array): Promise<void> {
  let parts: Uint8Array[] = [];
  let length = 0;
  await engine.execProtocolRawStream(message, {
    syncToFs: false,
    onRawData: (bytes) => {
      parts.push(bytes.slice());
      length += bytes.length;
      if (length < answerLength) return;
      answer(port, parts, false);
      parts = [];
      length = 0;
    },
  });
  const reason = lastWords.exec(Buffer.concat(parts).toString())?.[1];
  if (reason !== undefined) throw new Error(reason);
  answer(port, parts, true);
}

async function run(port: MessagePort, directory: string): Promise<void> {
  const engine = await PGlite.create({ dataDir: directory });
  const device = makeRowDevice(engine);
  let turn = Promise.resolve();
  async function handle(message: ToEmbeddedWorker): Promise<void> {
    switch (message.kind) {
      case 'frontend':
        return converse(engine, port, message.bytes);
      case 'rows':
        return device.load(message.bytes);
      case 'close':
        await engine.close();
        port.postMessage({ kind: 'closed' } satisfies FromEmbeddedWorker);
        return port.close();
    }
  }
  port.on('message', (message: ToEmbeddedWorker) => {
    turn = turn.then(() => handle(message));
    // A rejection must end the thread: the state of the engine is not known any more.
    void turn;
  });
  port.postMessage({ kind: 'ready' } satisfies FromEmbeddedWorker);
}

/** What the engine's file system throws is no Error and has a number of WASI. */
const fileErrors = new Map([
  [2, 'EACCES'],
  [19, 'EDQUOT'],
  [22, 'EFBIG'],
  [33, 'EMFILE'],
  [51, 'ENOSPC'],
  [69, 'EROFS'],
]);

function reasonOf(error: unknown): string {
  if (error instanceof Error) return String(error);
  const { errno } = error as { errno?: number };
  return fileErrors.get(errno ?? 0) ?? inspect(error, { breakLength: Infinity });
}

if (parentPort !== null) {
  const port = parentPort;
  run(port, (workerData as { directory: string }).directory).catch((error: unknown) => {
    port.postMessage({ kind: 'refused', text: reasonOf(error) } satisfies FromEmbeddedWorker);
    port.close();
  });
}
