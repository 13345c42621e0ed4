import { Gathering } from './chunks.ts';
import { limitError, truncatedError } from './errors.ts';
import type { Framer, RawRecord } from './record.ts';

const lineFeed = 10;
const carriageReturn = 13;

export interface FramingLimits {
  readonly maxLineBytes: number;
  readonly maxRecordBytes: number;
}

/** The bytes without line breaks at their end, so that they do not depend on how a record was separated. */
function trimEnd(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && (bytes[end - 1] === lineFeed || bytes[end - 1] === carriageReturn)) end--;
  return bytes.subarray(0, end);
}

/**
 * Cuts into records of lines. `separator: 'line'`: each line is a record (JSON Lines). `'blankLine'`: a record is
 * the lines up to an empty one (RFC 2849). Lines end with LF or CR LF.
 */
export class LineFramer implements Framer {
  readonly #limits: FramingLimits;
  readonly #byBlankLine: boolean;
  readonly #demandFinalBreak: boolean;
  readonly #gathering = new Gathering();
  #line = 1;
  #recordLine = 1;
  /** Bytes of the line that is not over yet, and the last of them. */
  #openBytes = 0;
  #lastByte = 0;
  #hasContent = false;

  constructor(separator: 'line' | 'blankLine', limits: FramingLimits) {
    this.#limits = limits;
    this.#byBlankLine = separator === 'blankLine';
    // A JSON object shows its own end; a line of LDIF may be cut anywhere and still look whole.
    this.#demandFinalBreak = this.#byBlankLine;
  }

  push(chunk: Buffer): readonly RawRecord[] {
    const records: RawRecord[] = [];
    let recordStart = 0;
    let lineStart = 0;
    let end = chunk.indexOf(lineFeed);
    for (; end >= 0; end = chunk.indexOf(lineFeed, lineStart)) {
      const blank = this.#closeLine(chunk, lineStart, end);
      if (!blank) this.#hasContent = true;
      if (blank || !this.#byBlankLine) {
        this.#gathering.add(chunk.subarray(recordStart, end + 1));
        this.#emit(records);
        recordStart = end + 1;
      }
      this.#line++;
      if (!this.#hasContent) this.#recordLine = this.#line;
      lineStart = end + 1;
    }
    this.#keepRest(chunk, recordStart, lineStart);
    return records;
  }

  end(): readonly RawRecord[] {
    if (this.#openBytes > 0) {
      if (this.#demandFinalBreak) {
        throw truncatedError('the file ends in the middle of a line (no line break at its end)', this.#line);
      }
      this.#hasContent = true;
    }
    const records: RawRecord[] = [];
    this.#emit(records);
    return records;
  }

  /** Ends the line at `end`; whether it was empty. */
  #closeLine(chunk: Buffer, start: number, end: number): boolean {
    const length = this.#openBytes + end - start;
    if (length > this.#limits.maxLineBytes) this.#lineTooLong();
    const last = end > start ? chunk[end - 1] : this.#lastByte;
    this.#openBytes = 0;
    return length === 0 || (length === 1 && last === carriageReturn);
  }

  #emit(records: RawRecord[]): void {
    if (this.#gathering.size > this.#limits.maxRecordBytes) this.#recordTooLarge();
    const bytes = trimEnd(this.#gathering.take());
    if (this.#hasContent) records.push({ bytes, line: this.#recordLine });
    this.#hasContent = false;
  }

  #keepRest(chunk: Buffer, recordStart: number, lineStart: number): void {
    this.#gathering.add(chunk.subarray(recordStart));
    this.#openBytes += chunk.length - lineStart;
    this.#lastByte = chunk[chunk.length - 1] ?? this.#lastByte;
    if (this.#openBytes > this.#limits.maxLineBytes) this.#lineTooLong();
    if (this.#gathering.size > this.#limits.maxRecordBytes) this.#recordTooLarge();
  }

  #lineTooLong(): never {
    throw limitError(
      `the line is longer than ${this.#limits.maxLineBytes} bytes`,
      this.#line,
      'maxLineBytes',
    );
  }

  #recordTooLarge(): never {
    throw limitError(
      `the record is larger than ${this.#limits.maxRecordBytes} bytes`,
      this.#recordLine,
      'maxRecordBytes',
    );
  }
}
