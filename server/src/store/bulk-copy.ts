import { CompiledQuery, sql } from 'kysely';
import { LockstepError } from '../kernel/errors.ts';
import type { ColumnEncoding } from './copy-encoding.ts';
import { renderRows } from './copy-text.ts';
import { CopySource } from './store-client.ts';
import type { CopyRows, Executor } from './store.ts';

/** A name as an SQL identifier. */
export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

/** A table's name, with its schema where it has one. */
function quoteTable(table: string): string {
  return table.split('.').map(quoteName).join('.');
}

function encodingOf(typeName: string, category: string): ColumnEncoding {
  if (typeName === 'json' || typeName === 'jsonb') return 'json';
  return category === 'A' ? 'array' : 'plain';
}

async function columnEncodings(
  executor: Executor,
  table: string,
  columns: readonly string[],
): Promise<ColumnEncoding[]> {
  const { rows } = await sql<{ name: string; type_name: string; category: string }>`
    select a.attname as name, t.typname as type_name, t.typcategory as category
    from pg_attribute a join pg_type t on t.oid = a.atttypid
    where a.attrelid = to_regclass(${quoteTable(table)}) and a.attnum > 0 and not a.attisdropped`.execute(
    executor,
  );
  const encodings = new Map(rows.map((row) => [row.name, encodingOf(row.type_name, row.category)]));
  return columns.map((column) => {
    const encoding = encodings.get(column);
    if (encoding === undefined)
      throw new LockstepError('Internal', `No column ${column} in table ${table} to copy into`);
    return encoding;
  });
}

/** Streams rows by COPY on the connection of `executor`, which must hold a transaction. See `Store.copyInto`. */
export async function copyRows(
  executor: Executor,
  table: string,
  columns: readonly string[],
  rows: CopyRows,
): Promise<number> {
  return copyText(
    executor,
    table,
    columns,
    renderRows(rows, await columnEncodings(executor, table, columns)),
  );
}

/** The same for rows that are encoded already. */
export async function copyText(
  executor: Executor,
  table: string,
  columns: readonly string[],
  chunks: AsyncIterable<Buffer> | Iterable<Buffer>,
): Promise<number> {
  const source = new CopySource(chunks);
  const names = columns.map(quoteName).join(', ');
  await executor.executeQuery(CompiledQuery.raw(`copy ${quoteTable(table)} (${names}) from stdin`, [source]));
  return source.copied;
}
