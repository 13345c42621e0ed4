import type { Socket } from 'node:net';
import { MessageFramer } from '../ber/framing.ts';
import { BerReader, protocolError } from '../ber/reader.ts';
import { BerWriter } from '../ber/writer.ts';
import { type Control, readControls } from '../controls/control.ts';
import { operations } from '../messages/operations.ts';
import { abandon, encodeMessage, type WriteOperation } from '../messages/requests.ts';
import { readResult } from '../messages/result.ts';
import { LockstepError } from '../../../../kernel/errors.ts';
import type { Inlet } from './inlet.ts';
import { saidBy, type Channel, type SocketError } from './transport.ts';

/** One response as it lies in the buffer: contents of the operation, then the message's controls. */
export interface Response {
  readonly tag: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly stop: number;
  readonly controlsStop: number;
}

/** What waits for the responses to one request. */
export interface Exchange {
  /** Takes a response; true when it was the last one. Throws ProtocolError for one that does not belong here. */
  receive(response: Response): boolean;
  /** The connection is lost, or this request timed out or was cancelled: no response will come. */
  fail(error: LockstepError): void;
  /** After a chunk was taken apart: hand on what came. */
  flush?(): void;
  /** Whether it holds so much that its consumer must catch up first. */
  saturated?(): boolean;
  /** Whether much is coming, of which nothing is waited for by itself. */
  isBulk?(): boolean;
}

interface Pending {
  readonly exchange: Exchange;
  readonly what: string;
  /** When the last response came, or the request was sent; milliseconds of the monotonic clock. */
  progress: number;
}

export interface ConnectionLimits {
  /** Milliseconds that a request may go without any response. */
  readonly timeoutMs: number;
  readonly maxMessageBytes: number;
}

const disconnectionOid = '1.3.6.1.4.1.1466.20036';
const maxMessageId = 0x7fffffff;
/** A read of fewer bytes is not worth its cost while entries come by the thousand. */
const goodRead = 128 << 10;
/** With so many requests under way the server has enough to do for longer than a rest. */
const manyRequests = 16;
/** Milliseconds for which bytes then gather in the kernel's buffer. */
const restMs = 1;

/**
 * Requests and responses over one socket, matched by message id. The socket is read only while somebody wants what
 * comes: it is paused when every open request is a search whose consumer lags.
 */
export class Connection {
  readonly name: string;
  readonly closed: Promise<LockstepError>;
  readonly #limits: ConnectionLimits;
  readonly #writer = new BerWriter();
  readonly #pending = new Map<number, Pending>();
  readonly #closing = Promise.withResolvers<LockstepError>();
  #socket: Socket;
  #inlet: Inlet | undefined;
  /** Running while reads are put off so that the next one brings more. */
  #rest: NodeJS.Timeout | undefined;
  #framer: MessageFramer;
  #lastId = 0;
  #wrapped = false;
  #lastReceived = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #failure: LockstepError | undefined;
  #corked = false;
  readonly #onData = (chunk: Buffer): void => this.#receive(chunk);
  readonly #onError = (error: SocketError): void => this.close(this.#lost(saidBy(error)));
  readonly #onClose = (): void => this.close(this.#lost('the server closed the connection'));

  constructor({ socket, inlet }: Channel, name: string, limits: ConnectionLimits) {
    this.name = name;
    this.#limits = limits;
    this.#socket = socket;
    this.#inlet = inlet;
    this.#framer = this.#newFramer();
    this.closed = this.#closing.promise;
    this.#listen();
  }

  /** Why the connection is of no use any more; undefined while it is. */
  get failure(): LockstepError | undefined {
    return this.#failure;
  }

  get pending(): number {
    return this.#pending.size;
  }

  /** Sends a request and returns its message id. `what` names it in error messages. @throws ConnectionFailed */
  send(write: WriteOperation, controls: readonly Control[], exchange: Exchange, what: string): number {
    if (this.#failure) throw this.#failure;
    const id = this.#nextId();
    const message = encodeMessage(this.#writer, id, write, controls);
    this.#pending.set(id, { exchange, what, progress: performance.now() });
    this.#write(message);
    this.#watch();
    this.reconsider();
    return id;
  }

  /** Sends a request that has no response. */
  sendOnly(write: WriteOperation): void {
    if (this.#failure) return;
    this.#write(encodeMessage(this.#writer, this.#nextId(), write));
  }

  /** Stops waiting for a request and asks the server to stop working on it (RFC 4511 section 4.11). */
  abandon(id: number, reason: LockstepError): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    this.#pending.delete(id);
    this.sendOnly(abandon(id));
    pending.exchange.fail(reason);
    this.reconsider();
  }

  /** Pauses or resumes reading, after something changed about who wants to read. */
  reconsider(): void {
    let wanted = this.#pending.size === 0;
    for (const { exchange } of this.#pending.values()) {
      if (!exchange.saturated?.()) {
        wanted = true;
        break;
      }
    }
    wanted &&= this.#rest === undefined;
    if (wanted === this.#socket.isPaused()) {
      if (wanted) this.#socket.resume();
      else this.#socket.pause();
    }
  }

  /** Hands the socket over for the start of TLS, and takes it back secured. Nothing may be under way. */
  async upgrade(secure: (socket: Socket) => Promise<Socket>): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#detach();
    // Bytes behind the response would be plain text that poses as protected (RFC 4513 section 3.1.1).
    if (this.#framer.partial) throw protocolError('the server sent more behind its response to StartTLS');
    this.#socket = await secure(this.#socket);
    this.#framer = this.#newFramer();
    this.#listen();
  }

  /** Ends the connection: every open request fails with the error. */
  close(error: LockstepError): void {
    if (this.#failure) return;
    this.#failure = error;
    clearInterval(this.#timer);
    clearTimeout(this.#rest);
    this.#detach();
    this.#socket.on('error', () => undefined);
    this.#socket.destroy();
    const open = [...this.#pending.values()];
    this.#pending.clear();
    for (const { exchange } of open) exchange.fail(error);
    this.#closing.resolve(error);
  }

  /** Lets everything written go out, then closes. */
  async end(error: LockstepError): Promise<void> {
    if (this.#failure) return;
    const socket = this.#socket;
    const { promise, resolve } = Promise.withResolvers<void>();
    const patience = setTimeout(resolve, 1000);
    socket.end(resolve);
    await promise;
    clearTimeout(patience);
    this.close(error);
  }

  #newFramer(): MessageFramer {
    return new MessageFramer(this.#limits.maxMessageBytes, (buffer, start, stop) =>
      this.#message(buffer, start, stop),
    );
  }

  #listen(): void {
    this.#socket.on('error', this.#onError).on('close', this.#onClose);
    if (this.#inlet) {
      this.#socket.resume();
      this.#inlet.open(this.#onData);
    } else this.#socket.on('data', this.#onData);
  }

  #detach(): void {
    this.#inlet?.close();
    this.#socket.off('data', this.#onData).off('error', this.#onError).off('close', this.#onClose);
  }

  #nextId(): number {
    do {
      this.#wrapped ||= this.#lastId === maxMessageId;
      this.#lastId = this.#lastId === maxMessageId ? 1 : this.#lastId + 1;
    } while (this.#pending.has(this.#lastId));
    return this.#lastId;
  }

  /** Requests of one turn of the event loop leave in one packet. */
  #write(message: Buffer): void {
    if (!this.#corked) {
      this.#corked = true;
      this.#socket.cork();
      process.nextTick(() => {
        this.#corked = false;
        this.#socket.uncork();
      });
    }
    this.#socket.write(message);
  }

  #receive(chunk: Buffer): void {
    this.#lastReceived = performance.now();
    try {
      this.#framer.push(chunk);
    } catch (error) {
      this.close(this.#violation(error));
      return;
    }
    for (const { exchange } of this.#pending.values()) exchange.flush?.();
    if (this.#inlet && chunk.length < goodRead && this.#isBulk()) this.#takeRest();
    this.reconsider();
  }

  /** Whether nothing is waited for by itself: entries come in bulk, or many other requests keep the server busy. */
  #isBulk(): boolean {
    if (this.#pending.size >= manyRequests) return true;
    if (this.#pending.size !== 1) return false;
    for (const { exchange } of this.#pending.values()) return exchange.isBulk?.() ?? false;
    return false;
  }

  /**
   * A server sends entries, and answers to a row of requests, one by one. Who reads as soon as there is something pays for
   * a read, for being woken and for what is then written, each time; after a millisecond there are dozens.
   */
  #takeRest(): void {
    this.#rest = setTimeout(() => {
      this.#rest = undefined;
      this.reconsider();
    }, restMs);
  }

  #message(buffer: Buffer, start: number, stop: number): void {
    if (this.#failure) return;
    const reader = new BerReader(buffer, start, stop);
    const id = reader.integer();
    const tag = reader.next();
    const pending = this.#pending.get(id);
    const response = {
      tag,
      buffer,
      start: reader.start,
      stop: reader.stop,
      controlsStop: this.#controlsStop(reader),
    };
    if (!pending) {
      this.#unexpected(id, response);
      return;
    }
    pending.progress = this.#lastReceived;
    if (pending.exchange.receive(response)) this.#pending.delete(id);
  }

  /** Controls directly follow the operation; whatever follows them is none of ours (RFC 4511 section 4). */
  #controlsStop(reader: BerReader): number {
    const { start, stop } = reader;
    let end = stop;
    if (reader.peek() === 0xa0) {
      reader.next();
      end = reader.stop;
    }
    reader.start = start;
    reader.stop = stop;
    return end;
  }

  #unexpected(id: number, response: Response): void {
    if (id === 0) {
      this.#notification(response);
      return;
    }
    // An answer may cross an abandon on its way; one to a request that was never sent is a broken server.
    if (id < 0 || (id > this.#lastId && !this.#wrapped))
      throw protocolError(`a response has the message id ${id}, which was not used`);
  }

  /** Unsolicited notification (RFC 4511 section 4.4). */
  #notification(response: Response): void {
    if (response.tag !== operations.extendedResponse)
      throw protocolError('a message with id 0 is no notification');
    const reader = new BerReader(response.buffer, response.start, response.stop);
    const result = readResult(reader, []);
    const oid = reader.peek() === 0x8a ? reader.text(0x8a) : '';
    if (oid !== disconnectionOid) return;
    this.close(this.#lost(`the server said that it disconnects (${result.code} ${result.message})`));
  }

  #watch(): void {
    if (this.#timer) return;
    this.#timer = setInterval(() => this.#checkTimeouts(), Math.max(10, this.#limits.timeoutMs / 8));
  }

  #checkTimeouts(): void {
    const now = performance.now();
    if (this.#pending.size === 0) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    for (const [id, pending] of this.#pending) {
      if (pending.exchange.saturated?.()) pending.progress = now;
      if (now - pending.progress >= this.#limits.timeoutMs) this.#timeOut(id, pending);
    }
  }

  #timeOut(id: number, pending: Pending): void {
    const error = this.#lost(`no answer to ${pending.what} within ${this.#limits.timeoutMs} ms`);
    // Silence about everything means that the server or the way to it is gone.
    if (this.#lastReceived <= pending.progress) this.close(error);
    else this.abandon(id, error);
  }

  #lost(reason: string): LockstepError {
    return new LockstepError('ConnectionFailed', `${this.name}: ${reason}`);
  }

  #violation(error: unknown): LockstepError {
    if (!(error instanceof LockstepError))
      return new LockstepError('Internal', `${this.name}: ${String(error)}`, { cause: error });
    const { field, remedy } = error;
    return new LockstepError(error.code, `${this.name}: ${error.message}`, { field, remedy, cause: error });
  }
}

/** The controls of a response. */
export function responseControls(response: Response): Control[] {
  return readControls(response.buffer, response.stop, response.controlsStop);
}

/** A reader over the contents of a response. */
export function responseReader(response: Response): BerReader {
  return new BerReader(response.buffer, response.start, response.stop);
}
