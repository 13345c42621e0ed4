import { recordError } from '../errors.ts';

/** One cell and where it begins in its row. */
export interface Cell {
  readonly text: string;
  /** 1-based, counted in characters of the row. */
  readonly column: number;
}

/**
 * Splits one row into cells (RFC 4180 section 2).
 * @throws LockstepError InvalidRecord for a quote in the middle of a cell or after its end.
 */
export function parseCells(row: string, delimiter: string, line: number): Cell[] {
  const cells: Cell[] = [];
  let start = 0;
  for (;;) {
    const cell = row[start] === '"' ? quotedCell(row, start, line) : plainCell(row, start, delimiter, line);
    cells.push({ text: cell.text, column: start + 1 });
    if (cell.end >= row.length) return cells;
    if (row[cell.end] !== delimiter) {
      throw recordError('a quoted cell goes on after its closing quote', line, cell.end + 1);
    }
    start = cell.end + 1;
  }
}

interface ParsedCell {
  readonly text: string;
  /** Offset right after it. */
  readonly end: number;
}

function plainCell(row: string, start: number, delimiter: string, line: number): ParsedCell {
  const found = row.indexOf(delimiter, start);
  const end = found < 0 ? row.length : found;
  const text = row.slice(start, end);
  const quote = text.indexOf('"');
  if (quote >= 0) {
    throw recordError(
      'a quote inside a cell that is not quoted',
      line,
      start + quote + 1,
      'Quote the whole cell.',
    );
  }
  return { text, end };
}

function quotedCell(row: string, start: number, line: number): ParsedCell {
  let text = '';
  let from = start + 1;
  for (;;) {
    const quote = row.indexOf('"', from);
    if (quote < 0) throw recordError('a quoted cell is not closed', line, start + 1);
    text += row.slice(from, quote);
    if (row[quote + 1] !== '"') return { text, end: quote + 1 };
    text += '"';
    from = quote + 2;
  }
}

/** Quotes where needed, and where blanks at an end could be taken for padding. */
export function renderCell(text: string, delimiter: string): string {
  const plain = !text.includes(delimiter) && !/["\r\n]/.test(text) && !/^\s|\s$/.test(text);
  return plain ? text : `"${text.replaceAll('"', '""')}"`;
}
