import { createHash } from 'node:crypto';
import { z } from 'zod';
import { LockstepError } from '../kernel/errors.ts';

/**
 * A backup is a gzip stream of a magic line and frames: kind (1 byte), length of the payload (4 bytes, big-endian),
 * payload. Order: header, for each table its rows and its end, sequences, end. Rows are COPY text, whole rows only.
 */
export type FrameKind = 'header' | 'rows' | 'tableEnd' | 'sequences' | 'end';

export interface Frame {
  readonly kind: FrameKind;
  readonly payload: Buffer;
}

export const backupHeader = z.object({
  format: z.literal(1),
  /** Version of Lockstep that wrote it. */
  version: z.string(),
  createdAt: z.string(),
  migrations: z.array(z.object({ name: z.string(), sha256: z.string() })),
  /** In an order in which no row refers to a table that comes later. */
  tables: z.array(z.object({ name: z.string(), columns: z.array(z.string()) })),
});
export type BackupHeader = z.infer<typeof backupHeader>;

export const tableEnd = z.object({ name: z.string(), rows: z.number(), sha256: z.string() });
export type TableEnd = z.infer<typeof tableEnd>;

export const sequenceStates = z.array(
  z.object({ name: z.string(), lastValue: z.number(), isCalled: z.boolean() }),
);
export type SequenceState = z.infer<typeof sequenceStates>[number];

const magic = Buffer.from('lockstep backup 1\n');
const codes: Readonly<Record<FrameKind, string>> = {
  header: 'H',
  rows: 'R',
  tableEnd: 'T',
  sequences: 'S',
  end: 'Z',
};
const kinds = new Map(Object.entries(codes).map(([kind, code]) => [code, kind as FrameKind]));
const longestFrame = 1024 * 1024 * 1024;

export function damaged(text: string, cause?: unknown): LockstepError {
  return new LockstepError('InvalidRecord', `The backup cannot be restored: ${text}`, {
    cause,
    remedy: 'Nothing was written. Use another copy of the backup.',
  });
}

/** Frames as bytes; the end frame carries the sum over all that came before it. */
export async function* encodeFrames(frames: AsyncIterable<Frame>): AsyncGenerator<Buffer> {
  const sum = createHash('sha256').update(magic);
  yield magic;
  for await (const { kind, payload } of frames) {
    const bytes = encodeFrame(kind, payload);
    sum.update(bytes);
    yield bytes;
  }
  yield encodeFrame('end', Buffer.from(sum.digest('hex')));
}

function encodeFrame(kind: FrameKind, payload: Buffer): Buffer {
  const head = Buffer.alloc(5);
  head.write(codes[kind], 'latin1');
  head.writeUInt32BE(payload.length, 1);
  return Buffer.concat([head, payload]);
}

/** Gathers bytes from chunks. */
class Gatherer {
  readonly #chunks: AsyncIterator<Buffer>;
  #held: Buffer[] = [];
  #length = 0;

  constructor(chunks: AsyncIterable<Buffer>) {
    this.#chunks = chunks[Symbol.asyncIterator]();
  }

  async atEnd(): Promise<boolean> {
    while (this.#length === 0) if (!(await this.#more())) return true;
    return false;
  }

  async take(length: number): Promise<Buffer> {
    while (this.#length < length) if (!(await this.#more())) throw damaged('it ends too early');
    const all =
      this.#held.length === 1 && this.#held[0] !== undefined ? this.#held[0] : Buffer.concat(this.#held);
    this.#held = [all.subarray(length)];
    this.#length -= length;
    return all.subarray(0, length);
  }

  async #more(): Promise<boolean> {
    const { done, value } = await this.#chunks.next();
    if (done === true) return false;
    this.#held.push(value);
    this.#length += value.length;
    return true;
  }
}

/** Bytes as frames, the end frame checked and left out. @throws LockstepError InvalidRecord at the first damage */
export async function* decodeFrames(chunks: AsyncIterable<Buffer>): AsyncGenerator<Frame> {
  const input = new Gatherer(chunks);
  const sum = createHash('sha256');
  if (!(await input.take(magic.length)).equals(magic))
    throw damaged('it is no backup of Lockstep, or of a newer version');
  sum.update(magic);
  for (;;) {
    const head = await input.take(5);
    const kind = kinds.get(head.toString('latin1', 0, 1));
    const length = head.readUInt32BE(1);
    if (kind === undefined || length > longestFrame) throw damaged('it holds something unknown');
    const payload = await input.take(length);
    if (kind === 'end') {
      if (payload.toString('latin1') !== sum.digest('hex')) throw damaged('its checksum is wrong');
      if (!(await input.atEnd())) throw damaged('something follows its end');
      return;
    }
    sum.update(head).update(payload);
    yield { kind, payload };
  }
}
