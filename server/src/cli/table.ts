export interface Column<Row> {
  readonly title: string;
  readonly value: (row: Row) => string;
  readonly align?: 'left' | 'right';
}

// Names come from other systems: an escape sequence in one of them must not reach the terminal.
// oxlint-disable-next-line no-control-regex -- exactly those are shown escaped
const controlCharacters = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Text that is safe on a terminal: control and direction characters show as `\u001b`. */
export function printable(text: string): string {
  return text.replace(
    controlCharacters,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function width(text: string): number {
  return text.match(/./gsu)?.length ?? 0;
}

function pad(text: string, to: number, align: 'left' | 'right'): string {
  const blanks = ' '.repeat(Math.max(0, to - width(text)));
  return align === 'right' ? blanks + text : text + blanks;
}

/** An aligned table with a line of titles, without a line break at its end. */
export function renderTable<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const cells = rows.map((row) => columns.map((column) => printable(column.value(row))));
  const widths = columns.map((column, index) =>
    Math.max(width(column.title), ...cells.map((line) => width(line[index] ?? ''))),
  );
  const render = (line: readonly string[]) =>
    line
      .map((cell, index) => pad(cell, widths[index] ?? 0, columns[index]?.align ?? 'left'))
      .join('  ')
      .trimEnd();
  return [columns.map((column) => column.title), ...cells].map(render).join('\n');
}

/** `name: value` lines with the values below each other. */
export function renderFields(fields: readonly (readonly [string, string | null | undefined])[]): string {
  const shown = fields.filter(([, value]) => value !== null && value !== undefined && value !== '');
  const widest = Math.max(0, ...shown.map(([name]) => width(name)));
  return shown
    .map(([name, value]) => `${pad(`${name}:`, widest + 1, 'left')} ${printable(value ?? '')}`)
    .join('\n');
}

/** A time as a person reads it: without milliseconds. */
export function renderTime(time: string | null): string {
  return time === null ? '' : time.replace('T', ' ').replace(/\.\d+Z$/, 'Z');
}
