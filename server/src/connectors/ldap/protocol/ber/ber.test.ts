import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import vectors from '../../../../../../test/vectors/ldap-ber.json' with { type: 'json' };
import { MessageFramer } from './framing.ts';
import { BerReader, tags } from './reader.ts';
import { BerWriter } from './writer.ts';

function hex(text: string): Buffer {
  return Buffer.from(text, 'hex');
}

function octetString(lengthOctets: string, length: number): Buffer {
  return Buffer.concat([hex(`04${lengthOctets}`), Buffer.alloc(length, 0x61)]);
}

function write(fill: (writer: BerWriter) => void): Buffer {
  const writer = new BerWriter();
  fill(writer);
  return writer.take();
}

describe('X.690', () => {
  test.each(vectors.lengths)('length $length is read and written as $octets', ({ octets, length }) => {
    const element = octetString(octets, length);
    expect(new BerReader(element).octets().length).toBe(length);
    expect(write((writer) => writer.octets(Buffer.alloc(length, 0x61)))).toEqual(element);
    const nested = write((writer) => {
      writer.begin(0x04);
      for (let index = 0; index < length; index += 1) writer.null(0x61);
      writer.end();
    });
    expect(new BerReader(nested).octets().length).toBe(2 * length);
  });

  test.each(vectors.lengthsAccepted)('length $octets is read as $length', ({ octets, length }) => {
    expect(new BerReader(octetString(octets, length)).octets().length).toBe(length);
  });

  test.each(vectors.lengthsRefused)('length $octets is refused: $why', ({ octets }) => {
    expect(() => new BerReader(octetString(octets, 300)).octets()).toThrow(/length/);
  });

  test.each(vectors.integers)('integer $value is $element', ({ element, value }) => {
    expect(new BerReader(hex(element)).integer()).toBe(value);
    expect(write((writer) => writer.integer(value)).toString('hex')).toBe(element);
  });

  test.each(vectors.integersRefused)('no integer: %s', (element) => {
    expect(() => new BerReader(hex(element)).integer()).toThrow(/LDAP:/);
  });

  test.each(vectors.booleans)('boolean $value is $element', ({ element, value }) => {
    expect(new BerReader(hex(element)).boolean()).toBe(value);
    expect(write((writer) => writer.boolean(value)).toString('hex')).toBe(element);
  });

  test.each(vectors.texts)('text "$value" is $element', ({ element, value }) => {
    expect(new BerReader(hex(element)).text()).toBe(value);
    expect(write((writer) => writer.octets(value)).toString('hex')).toBe(element);
  });

  test('a sequence gives its elements one after the other', () => {
    const reader = new BerReader(hex(vectors.sequence.element)).inner(tags.sequence);
    const found: string[] = [];
    while (!reader.done) found.push(reader.next().toString(16).padStart(2, '0'));
    expect(found).toEqual(vectors.sequence.tags);
  });
});

test('integers keep their value', () => {
  fc.assert(
    fc.property(fc.integer({ min: -(2 ** 47), max: 2 ** 47 - 1 }), (value) => {
      expect(new BerReader(write((writer) => writer.integer(value))).integer()).toBe(value);
    }),
  );
});

test('an element that reaches beyond its parent is refused', () => {
  expect(() => new BerReader(hex('30030403616263')).inner(tags.sequence).octets()).toThrow(/beyond/);
});

/** Contents of the messages that a framer finds in the chunks. */
function frame(chunks: readonly Buffer[], maxBytes = 1 << 24): string[] {
  const found: string[] = [];
  const framer = new MessageFramer(maxBytes, (buffer, start, stop) =>
    found.push(buffer.toString('hex', start, stop)),
  );
  for (const chunk of chunks) framer.push(chunk);
  expect(framer.partial).toBe(false);
  return found;
}

describe('framing', () => {
  test('messages come out whole however the stream is cut', () => {
    const contents = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.integer({ min: 0, max: 70_000 }).map((length) => new Uint8Array(length).fill(7)),
    );
    const longForm = fc.boolean();
    fc.assert(
      fc.property(
        fc.array(fc.tuple(contents, longForm), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1, maxLength: 20 }),
        (messages, cuts) => {
          const stream = Buffer.concat(messages.map(([bytes, long]) => wrap(bytes, long)));
          expect(frame(cutUp(stream, cuts))).toEqual(
            messages.map(([bytes]) => Buffer.from(bytes).toString('hex')),
          );
        },
      ),
      { numRuns: 200 },
    );
  });

  test('single octets work too', () => {
    const stream = Buffer.concat([
      wrap(Buffer.alloc(200, 1), true),
      wrap(Buffer.alloc(0), false),
      wrap(Buffer.alloc(130), false),
    ]);
    expect(frame(cutUp(stream, [1])).map((text) => text.length)).toEqual([400, 0, 260]);
  });

  // Quadratic gathering copies 75 GB here, and does not come to an end in this time.
  test('gathering a large message takes no memory in advance', { timeout: 8000 }, () => {
    const size = 48 << 20;
    const framer = new MessageFramer(64 << 20, (_buffer, start, stop) => (delivered = stop - start));
    let delivered = 0;
    const chunk = Buffer.alloc(16 << 10);
    const before = process.memoryUsage().arrayBuffers;
    framer.push(Buffer.from([0x30, 0x84, size >>> 24, (size >>> 16) & 255, (size >>> 8) & 255, size & 255]));
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 << 20);
    for (let sent = 0; sent < size; sent += chunk.length) framer.push(chunk);
    expect(delivered).toBe(size);
  });

  test('a length beyond the limit is refused before anything is gathered', () => {
    const framer = new MessageFramer(1000, () => undefined);
    expect(() => framer.push(hex('308203e9'))).toThrow(expect.objectContaining({ code: 'LimitExceeded' }));
    expect(frame([wrap(Buffer.alloc(1000), false)], 1000)).toHaveLength(1);
  });

  test.each(['3080', '30ff', '3089', '02', '48545450'])('no message: %s', (bytes) => {
    expect(() => new MessageFramer(1000, () => undefined).push(hex(bytes))).toThrow(
      expect.objectContaining({ code: 'ProtocolError' }),
    );
  });

  test('random octets never do worse than a protocol error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 200 })), (chunks) => {
        const framer = new MessageFramer(10_000, () => undefined);
        try {
          for (const chunk of chunks) framer.push(Buffer.from(chunk));
        } catch (error) {
          expect(['ProtocolError', 'LimitExceeded']).toContain((error as { code?: string }).code);
        }
      }),
      { numRuns: 500 },
    );
  });
});

function wrap(bytes: Uint8Array, longForm: boolean): Buffer {
  if (!longForm) return write((writer) => writer.octets(bytes, 0x30));
  const header = Buffer.from([0x30, 0x84, 0, 0, 0, 0]);
  header.writeUInt32BE(bytes.length, 2);
  return Buffer.concat([header, bytes]);
}

function cutUp(stream: Buffer, cuts: readonly number[]): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0, index = 0; at < stream.length; index += 1) {
    const size = cuts[index % cuts.length]!;
    chunks.push(Buffer.from(stream.subarray(at, at + size)));
    at += size;
  }
  return chunks;
}
