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

interface UnfoldedLine {
  text: string;
  readonly line: number;
  folds?: number[];
}

/** The record's lines, unfolded, without comments and empty lines. @throws LockstepError InvalidRecord */
export function unfold(raw: RawRecord): LogicalLine[] {
  // Who folds by octets may part those of a character, and a comment may be in any encoding.
  const whole = isUtf8(raw.bytes);
  const logical = joinFolds(raw.bytes.toString(whole ? 'utf8' : 'latin1'), raw.line);
  const lines = logical.some((entry) => entry.text.startsWith('#'))
    ? logical.filter((entry) => !entry.text.startsWith('#'))
    : logical;
  if (!whole) for (const line of lines) decodeUtf8(line);
  return lines;
}

function joinFolds(record: string, firstLine: number): UnfoldedLine[] {
  const logical: UnfoldedLine[] = [];
  let line = firstLine - 1;
  let current: UnfoldedLine | null = null;
  for (const physical of record.split('\n')) {
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
  return logical;
}

/** From octets, one a character, to their text. */
function decodeUtf8(logical: UnfoldedLine): void {
  const octets = Buffer.from(logical.text, 'latin1');
  const text = octets.toString();
  if (!isUtf8(octets)) {
    const { line } = positionOf(logical, firstDifference(octets, Buffer.from(text)));
    throw recordError(
      'the line is not valid UTF-8',
      line,
      1,
      'Write other encodings as base64 (name:: value).',
    );
  }
  logical.text = text;
  if (logical.folds) logical.folds = logical.folds.map((fold) => octets.utf8Slice(0, fold).length);
}

function firstDifference(left: Buffer, right: Buffer): number {
  let at = 0;
  while (at < left.length && left[at] === right[at]) at += 1;
  return at;
}
