import type { CopyRow } from './store.ts';

/** How the values of a column are written in COPY text format. */
export type ColumnEncoding = 'plain' | 'json' | 'array';

const special = /[\\\n\r\t]/;
const specials = /[\\\n\r\t]/g;
const escapes: Readonly<Record<string, string>> = { '\\': '\\\\', '\n': '\\n', '\r': '\\r', '\t': '\\t' };

type Scalar = string | number | bigint | boolean;

function renderScalar(value: Scalar): string {
  return String(value);
}

function escapeText(text: string): string {
  return special.test(text) ? text.replace(specials, (character) => escapes[character] ?? character) : text;
}

function renderArrayItem(item: unknown): string {
  if (item === null || item === undefined) return 'NULL';
  if (Array.isArray(item)) return renderArray(item);
  const text = item instanceof Date ? item.toISOString() : renderScalar(item as Scalar);
  return `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

function renderArray(items: readonly unknown[]): string {
  return `{${items.map(renderArrayItem).join(',')}}`;
}

function renderObject(value: object, encoding: ColumnEncoding): string {
  if (value instanceof Uint8Array) {
    return `\\\\x${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('hex')}`;
  }
  if (value instanceof Date && encoding !== 'json') return value.toISOString();
  if (Array.isArray(value) && encoding === 'array') return escapeText(renderArray(value));
  return renderJson(value);
}

/** JSON has no raw line ends and tabs, so only its backslashes are escaped again. */
function renderJson(value: object): string {
  const text = JSON.stringify(value);
  return text.includes('\\') ? text.replaceAll('\\', '\\\\') : text;
}

/** One value as a field of COPY text format (PostgreSQL manual, COPY, "Text Format"). */
export function renderField(value: unknown, encoding: ColumnEncoding): string {
  if (value === null || value === undefined) return '\\N';
  if (typeof value === 'string') return escapeText(value);
  if (typeof value === 'boolean') return value ? 't' : 'f';
  if (typeof value === 'object') return renderObject(value, encoding);
  return renderScalar(value as Scalar);
}

/** One row with its line end. @throws RangeError for more or fewer values than columns */
export function renderRow(row: CopyRow, encodings: readonly ColumnEncoding[]): string {
  if (row.length !== encodings.length) {
    throw new RangeError(`A row of ${row.length} values for ${encodings.length} columns`);
  }
  let line = '';
  for (let index = 0; index < encodings.length; index += 1) {
    if (index > 0) line += '\t';
    line += renderField(row[index], encodings[index] ?? 'plain');
  }
  return `${line}\n`;
}
