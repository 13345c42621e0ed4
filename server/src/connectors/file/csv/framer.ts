import { Gathering } from '../chunks.ts';
import { limitError, truncatedError } from '../errors.ts';
import type { Framer, RawRecord } from '../record.ts';

const lineFeed = 10;
const carriageReturn = 13;
const quote = 34;

/** Cuts CSV into rows (RFC 4180): a line break inside quotes belongs to the cell. Empty lines are passed over. */
export class CsvFramer implements Framer {
  readonly #maxRecordBytes: number;
  readonly #gathering = new Gathering();
  #line = 1;
  #rowLine = 1;
  #inQuotes = false;

  constructor(limits: { readonly maxRecordBytes: number }) {
    this.#maxRecordBytes = limits.maxRecordBytes;
  }

  push(chunk: Buffer): readonly RawRecord[] {
    const rows: RawRecord[] = [];
    let rowStart = 0;
    for (let index = 0; index < chunk.length; index++) {
      const byte = chunk[index];
      // A doubled quote switches twice, which comes to the same.
      if (byte === quote) this.#inQuotes = !this.#inQuotes;
      if (byte !== lineFeed) continue;
      this.#line++;
      if (this.#inQuotes) continue;
      this.#gathering.add(chunk.subarray(rowStart, index));
      this.#emit(rows);
      rowStart = index + 1;
    }
    this.#gathering.add(chunk.subarray(rowStart));
    if (this.#gathering.size > this.#maxRecordBytes) this.#tooLarge();
    return rows;
  }

  end(): readonly RawRecord[] {
    if (this.#inQuotes)
      throw truncatedError('a quoted cell is not closed before the end of the file', this.#rowLine);
    if (this.#gathering.size > 0) {
      throw truncatedError('the file ends in the middle of a row (no line break at its end)', this.#rowLine);
    }
    return [];
  }

  #emit(rows: RawRecord[]): void {
    if (this.#gathering.size > this.#maxRecordBytes) this.#tooLarge();
    let bytes = this.#gathering.take();
    if (bytes[bytes.length - 1] === carriageReturn) bytes = bytes.subarray(0, -1);
    if (bytes.length > 0) rows.push({ bytes, line: this.#rowLine });
    this.#rowLine = this.#line;
  }

  #tooLarge(): never {
    throw limitError(
      `the row is larger than ${this.#maxRecordBytes} bytes (is a quote missing?)`,
      this.#rowLine,
      'maxRecordBytes',
    );
  }
}
