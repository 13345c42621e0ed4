import { isUtf8 } from 'node:buffer';
import { BerReader, tags } from '../ber/reader.ts';
import { type Control, readControls } from '../controls/control.ts';
import { attributeName } from './attributeNames.ts';

declare global {
  // Methods of every Buffer in Node that its types leave out: `toString` without the dispatch on the encoding's name,
  // which counts when each of millions of values is decoded.
  interface Buffer {
    latin1Slice(start: number, stop: number): string;
    utf8Slice(start: number, stop: number): string;
  }
}

/** Values of attributes: text where the octets are UTF-8 without NUL, the octets themselves otherwise. */
export interface DecodedEntry {
  /** Verbatim. */
  readonly dn: string;
  /** By attribute description, verbatim with its options, in the order and spelling of the server. */
  readonly attributes: Map<string, (string | Buffer)[]>;
}

/**
 * SearchResultEntry (RFC 4511 section 4.5.2) as it came off the wire; nothing is decoded before it is asked for.
 * It views the chunk it arrived in: whoever keeps many of them for long keeps copies of `bytes` instead.
 */
export class RawSearchEntry {
  readonly #buffer: Buffer;
  readonly #start: number;
  readonly #stop: number;
  readonly #controlsStop: number;

  /** The contents of the operation lie from `start` to `stop`, the message's controls from there on. */
  constructor(buffer: Buffer, start: number, stop: number, controlsStop: number = stop) {
    this.#buffer = buffer;
    this.#start = start;
    this.#stop = stop;
    this.#controlsStop = controlsStop;
  }

  /** objectName and attributes as the server sent them, without message id and controls. A view, not a copy. */
  get bytes(): Buffer {
    return this.#buffer.subarray(this.#start, this.#stop);
  }

  get byteLength(): number {
    return this.#stop - this.#start;
  }

  get controls(): Control[] {
    return readControls(this.#buffer, this.#stop, this.#controlsStop);
  }

  dn(): string {
    return this.#reader().text();
  }

  /** The first value of an attribute as text; only headers of the attributes before it are read. */
  peek(attribute: string): string | undefined {
    const reader = this.#find(attribute);
    return reader && !reader.done ? reader.text() : undefined;
  }

  /** All values of an attribute as text. */
  peekAll(attribute: string): string[] {
    const values: string[] = [];
    const reader = this.#find(attribute);
    if (reader === undefined) return values;
    while (!reader.done) values.push(reader.text());
    return values;
  }

  /** The first value of an attribute as a view of its octets. */
  peekBytes(attribute: string): Buffer | undefined {
    const reader = this.#find(attribute);
    return reader && !reader.done ? reader.octets() : undefined;
  }

  /**
   * Decodes the whole entry; binary values are copies. `isBinary` names attributes whose values are octets even
   * where they happen to be text. @throws LockstepError ProtocolError for an entry that is no valid BER.
   */
  decode(isBinary?: (attribute: string) => boolean): DecodedEntry {
    const reader = this.#reader();
    const dn = reader.text();
    reader.expect(tags.sequence);
    const listStop = reader.stop;
    reader.position = reader.start;
    const values = new ValueReader(reader, listStop);
    const attributes = new Map<string, (string | Buffer)[]>();
    while (reader.position < listStop) {
      reader.expect(tags.sequence, listStop);
      const attributeStop = reader.stop;
      reader.position = reader.start;
      reader.expect(tags.octetString, attributeStop);
      const name = attributeName(this.#buffer, reader.start, reader.stop);
      reader.expect(tags.set, attributeStop);
      const binary = isBinary !== undefined && isBinary(name);
      const list = values.read(reader.start, reader.stop, binary);
      const before = attributes.get(name);
      attributes.set(name, before ? before.concat(list) : list);
      reader.position = attributeStop;
    }
    return { dn, attributes };
  }

  #reader(): BerReader {
    return new BerReader(this.#buffer, this.#start, this.#stop);
  }

  /** A reader over the values of an attribute; descriptions are compared without regard to case (RFC 4512 2.5). */
  #find(attribute: string): BerReader | undefined {
    const reader = this.#reader();
    reader.next();
    const list = reader.inner(tags.sequence);
    while (!list.done) {
      list.expect(tags.sequence);
      const { stop } = list;
      list.position = list.start;
      list.expect(tags.octetString, stop);
      if (sameName(this.#buffer, list.start, list.stop, attribute)) {
        list.expect(tags.set, stop);
        return new BerReader(this.#buffer, list.start, list.stop);
      }
      list.position = stop;
    }
    return undefined;
  }
}

/** Up to this size the octets of an entry are turned into one string, of which values are then cut. */
const wholeBytes = 64 << 10;

/** Reads the values of one entry. A cut of a string costs a fraction of making a string from octets. */
class ValueReader {
  readonly #reader: BerReader;
  readonly #buffer: Buffer;
  /** Where the first value may begin. */
  readonly #base: number;
  /** The octets from there on, one character each. */
  readonly #octets: string | undefined;
  #at = 0;

  constructor(reader: BerReader, stop: number) {
    this.#reader = reader;
    this.#buffer = reader.buffer;
    this.#base = reader.position;
    this.#octets =
      stop - reader.position <= wholeBytes ? this.#buffer.latin1Slice(reader.position, stop) : undefined;
  }

  /** The values that lie from `start` to `stop`. */
  read(start: number, stop: number, binary: boolean): (string | Buffer)[] {
    if (start >= stop) return [];
    this.#at = start;
    // Most attributes have one value: a list that is made with it takes a tenth of the memory of one that grows.
    const values = [this.#next(stop, binary)];
    while (this.#at < stop) values.push(this.#next(stop, binary));
    return values;
  }

  #next(stop: number, binary: boolean): string | Buffer {
    const buffer = this.#buffer;
    let from = this.#at + 2;
    let length = buffer[from - 1]!;
    if (buffer[from - 2] !== tags.octetString || length >= 0x80 || length > stop - from) {
      this.#reader.position = from - 2;
      this.#reader.expect(tags.octetString, stop);
      from = this.#reader.start;
      length = this.#reader.stop - from;
    }
    const end = from + length;
    this.#at = end;
    return binary ? Buffer.from(buffer.subarray(from, end)) : this.#text(from, end);
  }

  #text(start: number, stop: number): string | Buffer {
    const octets = this.#octets;
    if (octets === undefined || !isPlain(this.#buffer, start, stop))
      return decodeValue(this.#buffer, start, stop);
    return octets.substring(start - this.#base, stop - this.#base);
  }
}

/** Whether all octets are ASCII without NUL. */
function isPlain(buffer: Buffer, start: number, stop: number): boolean {
  for (let at = start; at < stop; at += 1) {
    const octet = buffer[at]!;
    if (octet === 0 || octet >= 0x80) return false;
  }
  return true;
}

/** Text if the octets are UTF-8 without NUL (so that encoding it again gives the same octets), else a copy of them. */
export function decodeValue(buffer: Buffer, start: number, stop: number): string | Buffer {
  let seen = 0;
  for (let at = start; at < stop; at += 1) {
    const octet = buffer[at]!;
    if (octet === 0) return Buffer.from(buffer.subarray(start, stop));
    seen |= octet;
  }
  if (seen < 0x80) return buffer.latin1Slice(start, stop);
  const octets = buffer.subarray(start, stop);
  return isUtf8(octets) ? buffer.utf8Slice(start, stop) : Buffer.from(octets);
}

function sameName(buffer: Buffer, start: number, stop: number, name: string): boolean {
  if (stop - start !== name.length) return false;
  for (let index = 0; index < name.length; index += 1) {
    // Setting bit 5 folds ASCII letters and leaves digits, hyphen and semicolon as they are.
    if ((buffer[start + index]! | 0x20) !== (name.charCodeAt(index) | 0x20)) return false;
  }
  return true;
}
