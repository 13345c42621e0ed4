import type { CopyRow, CopyRows } from './store.ts';
import { renderRow } from './copy-encoding.ts';
import type { ColumnEncoding } from './copy-encoding.ts';

const chunkBytes = 256 * 1024;

/** A value as the text of a JSON column; nothing stays nothing. */
export function jsonText(value: unknown): string | null {
  return value === null || value === undefined ? null : JSON.stringify(value);
}

/**
 * Rows as COPY text (PostgreSQL manual, COPY, "Text Format"), encoded as they come, so that nothing else of a row has
 * to be kept until it is sent. A row is never divided between chunks.
 */
export class CopyText {
  readonly #encodings: readonly ColumnEncoding[];
  #full: Buffer[] = [];
  #chunk: Buffer | undefined;
  #at = 0;

  constructor(encodings: readonly ColumnEncoding[]) {
    this.#encodings = encodings;
  }

  get isEmpty(): boolean {
    return this.#at === 0 && !this.hasFull;
  }

  get hasFull(): boolean {
    return this.#full.length > 0;
  }

  /** @throws RangeError for a row with more or fewer values than there are columns */
  add(row: CopyRow): void {
    const line = renderRow(row, this.#encodings);
    // A character takes three bytes at most; where there might not be so many left the exact length counts.
    const chunk = this.#chunk;
    if (chunk === undefined || chunk.length - this.#at < line.length * 3)
      this.#makeRoom(Buffer.byteLength(line));
    this.#at += (this.#chunk as Buffer).write(line, this.#at);
  }

  /** The chunks that are full; they are the caller's. */
  takeFull(): Buffer[] {
    const full = this.#full;
    this.#full = [];
    return full;
  }

  /** Everything that was added since the last time. */
  takeAll(): Buffer[] {
    this.#closeChunk();
    return this.takeFull();
  }

  #makeRoom(bytes: number): void {
    if (this.#chunk !== undefined && this.#chunk.length - this.#at >= bytes) return;
    this.#closeChunk();
    this.#chunk = Buffer.allocUnsafeSlow(Math.max(bytes, chunkBytes));
  }

  #closeChunk(): void {
    if (this.#chunk !== undefined && this.#at > 0) this.#full.push(this.#chunk.subarray(0, this.#at));
    this.#chunk = undefined;
    this.#at = 0;
  }
}

/** Rows as chunks of COPY text, each as soon as it is full. */
export async function* renderRows(
  rows: CopyRows,
  encodings: readonly ColumnEncoding[],
): AsyncGenerator<Buffer> {
  const text = new CopyText(encodings);
  if (Symbol.iterator in rows) {
    for (const row of rows) {
      text.add(row);
      if (text.hasFull) yield* text.takeFull();
    }
  } else {
    for await (const row of rows) {
      text.add(row);
      if (text.hasFull) yield* text.takeFull();
    }
  }
  yield* text.takeAll();
}
