import { isUtf8 } from 'node:buffer';
import { recordError } from '../errors.ts';
import type { RawRecord } from '../record.ts';

/** A line after unfolding (RFC 2849 note 2). */
export interface LogicalLine {
  readonly text: string;
  /** 1-based line of the file that it begins on. */
  readonly line: number;
  /** Offsets in `text` at which a continuation line begins; absent when it was not folded. */
  readonly folds?: number[];
}

/** Where an offset of a logical line is in the file, 1-based; a continuation line begins with a blank. */
export function positionOf(logical: LogicalLine, offset: number): { line: number; column: number } {
  const before = (logical.folds ?? []).filter((fold) => fold <= offset);
  const fold = before.at(-1);
  if (fold === undefined) return { line: logical.line, column: offset + 1 };
  return { line: logical.line + before.length, column: offset - fold + 2 };
}

function rejectInvalidUtf8(raw: RawRecord): never {
  let line = raw.line;
  for (let start = 0; start <= raw.bytes.length; line++) {
    const found = raw.bytes.indexOf(10, start);
    const end = found < 0 ? raw.bytes.length : found;
    if (!isUtf8(raw.bytes.subarray(start, end))) break;
    start = end + 1;
  }
  throw recordError(
    'the line is not valid UTF-8',
    line,
    1,
    'Write other encodings as base64 (name:: value).',
  );
}

/** The record's lines, unfolded, without comments and empty lines. */
export function unfold(raw: RawRecord): LogicalLine[] {
  if (!isUtf8(raw.bytes)) rejectInvalidUtf8(raw);
  const logical: { text: string; line: number; folds?: number[] }[] = [];
  let line = raw.line - 1;
  let current: (typeof logical)[number] | null = null;
  for (const physical of raw.bytes.utf8Slice(0, raw.bytes.length).split('\n')) {
    line++;
    const text = physical.endsWith('\r') ? physical.slice(0, -1) : physical;
    if (text.startsWith(' ')) {
      if (current === null) throw recordError('a continuation line has no line before it', line);
      (current.folds ??= []).push(current.text.length);
      current.text += text.slice(1);
    } else if (text !== '') {
      current = { text, line };
      logical.push(current);
    }
  }
  return logical.some((entry) => entry.text.startsWith('#'))
    ? logical.filter((entry) => !entry.text.startsWith('#'))
    : logical;
}
