import { Duplex } from 'node:stream';
import type { Worker } from 'node:worker_threads';
import { LockstepError } from '../kernel/errors.ts';
import type { ChunkCarrier } from './store-client.ts';
import type { FromEmbeddedWorker, ToEmbeddedWorker } from './embedded-worker.ts';

/** The buffer itself when nothing else lives in its memory (it is then given away), a copy otherwise. */
function detachable(buffer: Buffer): Uint8Array<ArrayBuffer> {
  if (buffer.byteLength === buffer.buffer.byteLength && buffer.buffer instanceof ArrayBuffer) {
    return new Uint8Array(buffer.buffer);
  }
  return new Uint8Array(buffer);
}

/** The main thread's end of the bridge to the worker thread that runs the embedded engine. */
export class EmbeddedBridge implements ChunkCarrier {
  readonly #worker: Worker;
  readonly #streams = new Set<EmbeddedStream>();
  readonly #failed = Promise.withResolvers<LockstepError>();
  #outstanding = 0;
  #failure: (() => LockstepError) | undefined;
  #closed: (() => void) | undefined;

  constructor(worker: Worker) {
    this.#worker = worker;
    worker.on('message', (message: FromEmbeddedWorker) => this.#receive(message));
    worker.on('error', (cause: Error) => this.#fail(`The embedded store failed: ${cause.message}`, cause));
    worker.on('exit', () => this.#fail('The embedded store has stopped'));
    worker.unref();
  }

  /** A new connection for a client; all connections are one session of the engine. */
  openStream(): EmbeddedStream {
    const stream = new EmbeddedStream(this);
    this.#streams.add(stream);
    stream.once('close', () => this.#streams.delete(stream));
    if (this.#failure !== undefined) stream.destroy(this.#failure());
    return stream;
  }

  /** Why the engine has ended by itself, once it has. */
  get failed(): Promise<LockstepError> {
    return this.#failed.promise;
  }

  /** Sends protocol messages, whole ones only. */
  send(bytes: Buffer): void {
    // A copy, since the driver uses some of its messages again.
    const copy = new Uint8Array(bytes);
    this.#expectAnswer();
    this.#post({ kind: 'frontend', bytes: copy }, copy.buffer);
  }

  carryChunk(chunk: Buffer): void {
    const detached = detachable(chunk);
    this.#post({ kind: 'rows', bytes: detached }, detached.buffer);
  }

  /** Shuts the engine down cleanly and ends the thread. */
  async close(): Promise<void> {
    if (this.#failure === undefined) {
      this.#expectAnswer();
      await new Promise<void>((resolve) => {
        this.#closed = resolve;
        this.#post({ kind: 'close' });
      });
    }
    await this.#worker.terminate();
  }

  /** A waiting answer keeps the process alive; an idle store does not. */
  #expectAnswer(): void {
    if (this.#outstanding === 0) this.#worker.ref();
    this.#outstanding += 1;
  }

  #post(message: ToEmbeddedWorker, transfer?: ArrayBuffer): void {
    this.#worker.postMessage(message, transfer === undefined ? [] : [transfer]);
  }

  #receive(message: FromEmbeddedWorker): void {
    if (message.kind === 'backend') {
      for (const stream of this.#streams) stream.push(Buffer.from(message.bytes.buffer));
      if (!message.last) return;
      this.#outstanding -= 1;
      if (this.#outstanding === 0) this.#worker.unref();
    } else if (message.kind === 'closed') {
      this.#failure ??= () => new LockstepError('StoreUnavailable', 'The embedded store is closed');
      this.#closed?.();
    }
  }

  #fail(text: string, cause?: unknown): void {
    // One for each who meets it: the queue writes into errors what it was doing.
    const failure = (this.#failure ??= () =>
      new LockstepError('StoreUnavailable', text, {
        remedy: 'Make space if its disk is full, and start again: jobs go on where they were.',
        cause,
      }));
    for (const stream of this.#streams) stream.destroy(failure());
    this.#failed.resolve(failure());
    this.#closed?.();
  }
}

/** What the client takes for its socket. */
export class EmbeddedStream extends Duplex {
  readonly #bridge: EmbeddedBridge;

  constructor(bridge: EmbeddedBridge) {
    super();
    this.#bridge = bridge;
  }

  connect(): this {
    process.nextTick(() => this.emit('connect'));
    return this;
  }
  setNoDelay(): this {
    return this;
  }
  setKeepAlive(): this {
    return this;
  }
  ref(): this {
    return this;
  }
  unref(): this {
    return this;
  }

  override _read(): void {
    // The worker pushes.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.#bridge.send(chunk);
    done();
  }

  override _writev(chunks: { chunk: Buffer }[], done: () => void): void {
    this.#bridge.send(Buffer.concat(chunks.map(({ chunk }) => chunk)));
    done();
  }

  override _final(done: () => void): void {
    this.push(null);
    done();
  }
}
