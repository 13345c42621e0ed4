import type { OutputRecord, RecordWriter } from '../output.ts';
import { valuesOf } from '../../../directory/attributes.ts';
import { renderCell } from './cells.ts';
import { fixedColumns, type CsvDialect } from './record.ts';
import { renderValues } from './values.ts';

function cellText(record: OutputRecord, column: string, { valueSeparator }: CsvDialect): string {
  switch (column) {
    case 'kind':
      return record.kind;
    case 'id':
      return record.externalId;
    case 'parent':
      return record.parent;
    case 'name':
      return record.name;
    case 'enabled':
      return record.enabled === null ? '' : String(record.enabled);
    case 'members':
      return renderValues(
        [...record.members()].map((member) => member.text),
        valueSeparator,
      );
    default:
      return renderValues(valuesOf(record.attributes, column) ?? [], valueSeparator);
  }
}

/** @param columns those that the file had, in their order; missing ones of `attributes` are added. */
export function csvWriter(
  dialect: CsvDialect,
  columns: readonly string[],
  attributes: readonly string[],
): RecordWriter {
  const all = [...new Set([...columns, ...fixedColumns, ...attributes])];
  const row = (cells: readonly string[]): string =>
    `${cells.map((cell) => renderCell(cell, dialect.delimiter)).join(dialect.delimiter)}\r\n`;
  return {
    head: row(all),
    nothing: '',
    record: (record) => row(all.map((column) => cellText(record, column, dialect))),
  };
}
