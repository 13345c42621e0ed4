import { LockstepError } from '../../../../kernel/errors.ts';
import { longLength, maxHeaderBytes, protocolError, tags } from './reader.ts';

/** Takes one whole message: its contents (within the outer SEQUENCE) lie in `buffer` from `start` to `stop`. */
export type MessageSink = (buffer: Buffer, start: number, stop: number) => void;

const eagerBytes = 1 << 20;

/**
 * Cuts a byte stream into LDAP messages (RFC 4511 section 5.1). A message that lies within one chunk is handed on in
 * place; one that spans chunks is gathered into a buffer of its own, each byte copied once (amortised: a large
 * buffer grows by doubling as bytes really arrive, so an announced length alone costs no memory).
 */
export class MessageFramer {
  readonly #maxBytes: number;
  readonly #sink: MessageSink;
  #gathered: Buffer = Buffer.alloc(0);
  #filled = 0;
  /** Octets of header and contents of the message being gathered; 0 while the header is incomplete. */
  #total = 0;
  #headerBytes = 0;

  constructor(maxBytes: number, sink: MessageSink) {
    this.#maxBytes = maxBytes;
    this.#sink = sink;
  }

  /** Whether bytes of an unfinished message are held. */
  get partial(): boolean {
    return this.#filled > 0;
  }

  /** @throws LockstepError ProtocolError or LimitExceeded; the stream cannot be used any further then. */
  push(chunk: Buffer): void {
    let at = this.#filled > 0 ? this.#complete(chunk) : 0;
    const end = chunk.length;
    while (at < end) {
      const total = this.#measure(chunk, at, end);
      if (total === 0 || total > end - at) {
        this.#hold(chunk, at, total);
        return;
      }
      const start = at + this.#headerBytes;
      at += total;
      this.#sink(chunk, start, at);
    }
  }

  /** Octets of the message at `at`, header included; 0 if its header is incomplete. Sets #headerBytes. */
  #measure(buffer: Buffer, at: number, end: number): number {
    if (buffer[at] !== tags.sequence) throw protocolError('a message does not begin with a SEQUENCE');
    if (end - at < 2) return 0;
    let length = buffer[at + 1]!;
    let header = 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      header += octets;
      if (octets > 0 && header <= maxHeaderBytes && end - at < header) return 0;
      length = longLength(buffer, at + 2, octets);
    }
    if (length > this.#maxBytes) {
      throw new LockstepError(
        'LimitExceeded',
        `LDAP: the server announced a message of ${length} bytes; at most ${this.#maxBytes} are accepted`,
      );
    }
    this.#headerBytes = header;
    return header + length;
  }

  #hold(chunk: Buffer, at: number, total: number): void {
    const rest = chunk.length - at;
    const wanted = total === 0 ? maxHeaderBytes : Math.min(total, Math.max(rest * 2, eagerBytes));
    this.#gathered = Buffer.allocUnsafe(Math.max(wanted, rest));
    this.#total = total;
    this.#filled = chunk.copy(this.#gathered, 0, at);
  }

  /** Fills the message being gathered from the chunk and returns how much of the chunk that took. */
  #complete(chunk: Buffer): number {
    let at = 0;
    while (this.#total === 0 && at < chunk.length) {
      this.#gathered[this.#filled] = chunk[at]!;
      this.#filled += 1;
      at += 1;
      this.#total = this.#measure(this.#gathered, 0, this.#filled);
    }
    const take = Math.min(this.#total - this.#filled, chunk.length - at);
    if (this.#total === 0 || take < 0) return at;
    this.#grow(this.#filled + take);
    chunk.copy(this.#gathered, this.#filled, at, at + take);
    this.#filled += take;
    if (this.#filled === this.#total) this.#deliver();
    return at + take;
  }

  #deliver(): void {
    const buffer = this.#gathered;
    const total = this.#total;
    this.#gathered = Buffer.alloc(0);
    this.#filled = 0;
    this.#total = 0;
    this.#measure(buffer, 0, total);
    this.#sink(buffer, this.#headerBytes, total);
  }

  #grow(needed: number): void {
    if (needed <= this.#gathered.length) return;
    const capacity = Math.min(
      this.#total,
      Math.max(needed, this.#gathered.length * 2, Math.min(this.#total, eagerBytes)),
    );
    const grown = Buffer.allocUnsafe(capacity);
    this.#gathered.copy(grown, 0, 0, this.#filled);
    this.#gathered = grown;
  }
}
