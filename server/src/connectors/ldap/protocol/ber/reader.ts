import { LockstepError } from '../../../../kernel/errors.ts';

/** Universal tags that LDAP uses (X.680 section 8.4), constructed bit included. */
export const tags = {
  boolean: 0x01,
  integer: 0x02,
  octetString: 0x04,
  enumerated: 0x0a,
  sequence: 0x30,
  set: 0x31,
} as const;

/** Octets of the longest header accepted: one tag octet, one length octet, eight octets of length. */
export const maxHeaderBytes = 10;

export function protocolError(message: string, remedy?: string): LockstepError {
  return new LockstepError('ProtocolError', `LDAP: ${message}`, { remedy });
}

/**
 * Walks BER elements (X.690) in place: `next` reads one header and leaves the bounds of the contents in `start` and
 * `stop`. Nothing is copied or allocated, and no element may reach beyond the one that holds it.
 * Lengths are definite (RFC 4511 section 5.1); those with leading zeros are legal and Active Directory sends them.
 */
export class BerReader {
  readonly buffer: Buffer;
  /** Where the next element begins. */
  position: number;
  /** Where the enclosing contents end. */
  readonly end: number;
  /** Bounds of the contents of the element read last. */
  start = 0;
  stop = 0;

  constructor(buffer: Buffer, position = 0, end: number = buffer.length) {
    this.buffer = buffer;
    this.position = position;
    this.end = end;
  }

  get done(): boolean {
    return this.position >= this.end;
  }

  /** The tag of the next element, or -1 at the end. */
  peek(): number {
    return this.position < this.end ? this.buffer[this.position]! : -1;
  }

  /** Reads a header, moves behind the element and returns its tag. To descend, set `position` back to `start`. */
  next(limit: number = this.end): number {
    const { buffer } = this;
    let at = this.position;
    if (at + 2 > limit) throw protocolError('a BER element is cut off');
    const tag = buffer[at]!;
    let length = buffer[at + 1]!;
    at += 2;
    if (length >= 0x80) {
      const octets = length & 0x7f;
      if (at + octets > limit) throw protocolError('a BER length is cut off');
      length = longLength(buffer, at, octets);
      at += octets;
    }
    if (length > limit - at) throw protocolError('a BER element reaches beyond the one that holds it');
    this.start = at;
    this.stop = at + length;
    this.position = this.stop;
    return tag;
  }

  /** Like `next`, and the tag must be the one given. */
  expect(tag: number, limit: number = this.end): void {
    const found = this.next(limit);
    if (found !== tag)
      throw protocolError(`found tag 0x${found.toString(16)} where 0x${tag.toString(16)} belongs`);
  }

  /** A reader over the contents of the next element. */
  inner(tag: number): BerReader {
    this.expect(tag);
    return new BerReader(this.buffer, this.start, this.stop);
  }

  integer(tag: number = tags.integer): number {
    this.expect(tag);
    const length = this.stop - this.start;
    if (length === 0 || length > 6) throw protocolError(`an integer has ${length} octets`);
    return this.buffer.readIntBE(this.start, length);
  }

  boolean(tag: number = tags.boolean): boolean {
    this.expect(tag);
    if (this.stop - this.start !== 1) throw protocolError('a boolean must have one octet');
    return this.buffer[this.start] !== 0;
  }

  /** The contents as a view of the buffer. */
  octets(tag: number = tags.octetString): Buffer {
    this.expect(tag);
    return this.buffer.subarray(this.start, this.stop);
  }

  /** The contents as text; octets that are no UTF-8 become U+FFFD. */
  text(tag: number = tags.octetString): string {
    this.expect(tag);
    return this.buffer.toString('utf8', this.start, this.stop);
  }
}

/** A length in long form (X.690 section 8.1.3.5). The indefinite form has no octets and is refused. */
export function longLength(buffer: Buffer, at: number, octets: number): number {
  if (octets === 0) throw protocolError('the indefinite form of a length is not allowed');
  if (octets > maxHeaderBytes - 2) throw protocolError(`a length of ${octets} octets is not accepted`);
  let length = 0;
  for (let index = at; index < at + octets; index += 1) length = length * 256 + buffer[index]!;
  if (length > 0x7fffffff) throw protocolError('a length exceeds 2 GiB');
  return length;
}
