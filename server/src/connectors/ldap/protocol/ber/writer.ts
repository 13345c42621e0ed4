import { tags } from './reader.ts';

/**
 * Writes BER with minimal definite lengths into a buffer that grows and is used again after `take`.
 * A constructed element is closed after its contents: one that outgrew a length of one octet is shifted then.
 */
export class BerWriter {
  #buffer = Buffer.allocUnsafe(1024);
  #position = 0;
  readonly #open: number[] = [];

  /** Opens a constructed element; everything up to the matching `end` is its contents. */
  begin(tag: number = tags.sequence): void {
    this.#reserve(2);
    this.#buffer[this.#position] = tag;
    this.#position += 2;
    this.#open.push(this.#position);
  }

  end(): void {
    const start = this.#open.pop();
    if (start === undefined) throw new RangeError('end without begin');
    const length = this.#position - start;
    const extra = lengthOctets(length) - 1;
    if (extra > 0) {
      this.#reserve(extra);
      this.#buffer.copyWithin(start + extra, start, this.#position);
      this.#position += extra;
    }
    this.#writeLength(start - 1, length);
  }

  /** An integer between -2^47 and 2^47-1, in as few octets as it needs. */
  integer(value: number, tag: number = tags.integer): void {
    let octets = 1;
    while (value < -(2 ** (8 * octets - 1)) || value >= 2 ** (8 * octets - 1)) octets += 1;
    this.#header(tag, octets);
    this.#buffer.writeIntBE(value, this.#position, octets);
    this.#position += octets;
  }

  boolean(value: boolean, tag: number = tags.boolean): void {
    this.#header(tag, 1);
    this.#buffer[this.#position] = value ? 0xff : 0;
    this.#position += 1;
  }

  octets(value: string | Uint8Array, tag: number = tags.octetString): void {
    if (typeof value === 'string') {
      const length = Buffer.byteLength(value);
      this.#header(tag, length);
      this.#position += this.#buffer.write(value, this.#position, length, 'utf8');
      return;
    }
    this.#header(tag, value.length);
    this.#buffer.set(value, this.#position);
    this.#position += value.length;
  }

  null(tag: number): void {
    this.#header(tag, 0);
  }

  /** A copy of everything written; the writer is empty afterwards. */
  take(): Buffer {
    if (this.#open.length > 0) throw new RangeError('begin without end');
    const bytes = Buffer.from(this.#buffer.subarray(0, this.#position));
    this.reset();
    // One huge message must not pin its memory for the life of the connection.
    if (this.#buffer.length > 1 << 20) this.#buffer = Buffer.allocUnsafe(1024);
    return bytes;
  }

  /** Drops what was written, for instance after a request that could not be encoded. */
  reset(): void {
    this.#position = 0;
    this.#open.length = 0;
  }

  #header(tag: number, length: number): void {
    this.#reserve(1 + lengthOctets(length) + length);
    this.#buffer[this.#position] = tag;
    this.#position = this.#writeLength(this.#position + 1, length);
  }

  #writeLength(at: number, length: number): number {
    if (length < 0x80) {
      this.#buffer[at] = length;
      return at + 1;
    }
    const octets = lengthOctets(length) - 1;
    this.#buffer[at] = 0x80 | octets;
    this.#buffer.writeUIntBE(length, at + 1, octets);
    return at + 1 + octets;
  }

  #reserve(bytes: number): void {
    const needed = this.#position + bytes;
    if (needed <= this.#buffer.length) return;
    const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2));
    this.#buffer.copy(grown, 0, 0, this.#position);
    this.#buffer = grown;
  }
}

function lengthOctets(length: number): number {
  if (length < 0x80) return 1;
  let octets = 2;
  for (let rest = length >>> 8; rest > 0; rest >>>= 8) octets += 1;
  return octets;
}
