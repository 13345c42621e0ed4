import type { FileHandle } from 'node:fs/promises';
import { LockstepError } from '../../kernel/errors.ts';
import { readChunks } from './chunks.ts';
import { emptyError, recordError } from './errors.ts';
import type { FormatReading } from './format.ts';
import type { RawRecord, RecordResult } from './record.ts';

const byteOrderMark = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Streams the records of a file, some hundred at a time. A record that cannot be understood is a result of its own;
 * the stream goes on after it.
 * @throws LockstepError when the rest of the file cannot be read: cut off, over a limit, of a kind not known.
 */
export async function* readRecords(
  handle: FileHandle,
  reading: FormatReading,
  signal: AbortSignal,
): AsyncGenerator<readonly RecordResult[], void> {
  let first = true;
  for await (const chunk of readChunks(handle, signal)) {
    if (first) refuseForeign(chunk);
    const marked = first && chunk.subarray(0, 3).equals(byteOrderMark);
    first = false;
    yield* parseAll(reading, () => reading.framer.push(marked ? chunk.subarray(3) : chunk));
  }
  if (first) throw emptyError('the file is empty');
  yield* parseAll(reading, () => reading.framer.end());
}

/** How files begin that are no text in UTF-8, and what makes them one. */
const foreign: readonly (readonly [start: readonly number[], what: string, remedy: string])[] = [
  [[0x1f, 0x8b], 'the file is compressed (gzip)', 'Name the file that gunzip makes of it.'],
  [[0xff, 0xfe], 'the file is in UTF-16', 'Write it in UTF-8.'],
  [[0xfe, 0xff], 'the file is in UTF-16', 'Write it in UTF-8.'],
];

function refuseForeign(chunk: Buffer): void {
  const found = foreign.find(([start]) => start.every((byte, index) => chunk[index] === byte));
  if (found !== undefined) throw recordError(found[1], 1, 1, found[2]);
}

function* parseAll(
  reading: FormatReading,
  frame: () => readonly RawRecord[],
): Generator<readonly RecordResult[], void> {
  const results: RecordResult[] = [];
  for (const raw of frame()) {
    const result = parseOne(reading, raw);
    if (result !== undefined) results.push(result);
  }
  if (results.length > 0) yield results;
}

function parseOne({ parser }: FormatReading, raw: RawRecord): RecordResult | undefined {
  try {
    const record = parser.parse(raw);
    return record === undefined ? undefined : { ok: true, record };
  } catch (error) {
    if (!(error instanceof LockstepError) || parser.unusable) throw error;
    return { ok: false, error };
  }
}
