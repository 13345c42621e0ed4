import { isUtf8 } from 'node:buffer';
import { objectKinds, type ObjectKind } from '@lockstep/contract/vocabulary.ts';
import type { AttributeValue, Attributes } from '../../../directory/attributes.ts';
import { recordError } from '../errors.ts';
import type { ParsedRecord, RawRecord } from '../record.ts';
import { parseCells, type Cell } from './cells.ts';
import { parseTexts, parseValues } from './values.ts';

/** Columns with a meaning of their own; every other column is an attribute. */
export const fixedColumns = ['kind', 'id', 'parent', 'name', 'enabled', 'members'] as const;
type FixedColumn = (typeof fixedColumns)[number];
const requiredColumns: readonly FixedColumn[] = ['kind', 'id', 'name'];

export interface CsvDialect {
  readonly delimiter: string;
  readonly valueSeparator: string;
}

interface Header {
  readonly names: readonly string[];
  readonly fixed: ReadonlyMap<FixedColumn, number>;
  /** Attribute name and index of its column; a name may stand over several columns. */
  readonly attributes: readonly (readonly [string, number])[];
}

/** Parses the rows of one CSV file in their order; the first is the header. */
export class CsvParser {
  readonly #dialect: CsvDialect;
  #header: Header | undefined;

  constructor(dialect: CsvDialect) {
    this.#dialect = dialect;
  }

  /** The header as it stands; empty before it was met. */
  get columns(): readonly string[] {
    return this.#header?.names ?? [];
  }

  /** Without a header no row means anything. */
  get unusable(): boolean {
    return this.#header === undefined;
  }

  get isBlank(): boolean {
    return this.#header === undefined;
  }

  /** Undefined for the header. @throws LockstepError InvalidRecord with line and column. */
  parse(raw: RawRecord): ParsedRecord | undefined {
    if (!isUtf8(raw.bytes))
      throw recordError('the row is not valid UTF-8', raw.line, 1, 'Write the file in UTF-8.');
    const text = raw.bytes.utf8Slice(0, raw.bytes.length);
    const cells = parseCells(text, this.#dialect.delimiter, raw.line);
    if (this.#header === undefined) {
      this.#header = parseHeader(cells, raw.line);
      return undefined;
    }
    return parseRow(raw, cells, this.#header, this.#dialect.valueSeparator);
  }
}

function parseHeader(cells: readonly Cell[], line: number): Header {
  const names = cells.map((cell) => cell.text.trim());
  const fixed = new Map<FixedColumn, number>();
  const attributes: [string, number][] = [];
  for (const [index, name] of names.entries()) {
    const known = fixedColumns.find((column) => column === name);
    if (name === '') throw recordError('a column has no name', line, cells[index]?.column);
    if (known === undefined) attributes.push([name, index]);
    else if (fixed.has(known))
      throw recordError(`the column ${name} stands twice`, line, cells[index]?.column);
    else fixed.set(known, index);
  }
  const missing = requiredColumns.find((column) => !fixed.has(column));
  if (missing !== undefined) {
    throw recordError(
      `the header has no column '${missing}'`,
      line,
      1,
      'The first row names the columns; what stands between them is csv.delimiter of the connection.',
    );
  }
  return { names, fixed, attributes };
}

function parseRow(raw: RawRecord, cells: readonly Cell[], header: Header, separator: string): ParsedRecord {
  if (cells.length !== header.names.length) {
    throw recordError(
      `the row has ${cells.length} cells, the header ${header.names.length}`,
      raw.line,
      cells.at(-1)?.column,
      'Quote cells in which the delimiter stands.',
    );
  }
  const cell = (column: FixedColumn): Cell => {
    const index = header.fixed.get(column);
    return (index === undefined ? undefined : cells[index]) ?? { text: '', column: 1 };
  };
  const id = demand(cell('id'), 'id', raw.line);
  const values = header.attributes.flatMap(([name, index]) =>
    cellValues(name, cells[index], separator, raw.line),
  );
  return {
    raw,
    kind: kindOf(cell('kind'), raw.line),
    externalId: id,
    reference: id,
    location: id,
    name: demand(cell('name'), 'name', raw.line),
    parent: cell('parent').text,
    enabled: enabledOf(cell('enabled'), raw.line),
    attributes: () => group(values),
    members: () =>
      parseTexts(cell('members').text, separator).map((text) => ({
        attribute: 'members',
        text,
        reference: text,
      })),
  };
}

function cellValues(
  name: string,
  cell: Cell | undefined,
  separator: string,
  line: number,
): [string, AttributeValue][] {
  try {
    return parseValues(name, cell?.text ?? '', separator).map((value) => [name, value]);
  } catch (error) {
    throw recordError((error as Error).message, line, cell?.column);
  }
}

function group(values: readonly (readonly [string, AttributeValue])[]): Attributes {
  const lists = new Map<string, AttributeValue[]>();
  for (const [name, value] of values) {
    const list = lists.get(name);
    if (list === undefined) lists.set(name, [value]);
    else list.push(value);
  }
  return Object.fromEntries(lists);
}

function demand(cell: Cell, column: string, line: number): string {
  if (cell.text === '') throw recordError(`the column ${column} is empty`, line, cell.column);
  if (cell.text.length > 1000)
    throw recordError(`the ${column} is longer than 1000 characters`, line, cell.column);
  return cell.text;
}

function kindOf(cell: Cell, line: number): ObjectKind {
  const kind = objectKinds.find((known) => known === cell.text);
  if (kind !== undefined) return kind;
  throw recordError(`'${cell.text}' is no kind (${objectKinds.join(', ')})`, line, cell.column);
}

function enabledOf(cell: Cell, line: number): boolean | undefined {
  switch (cell.text.toLowerCase()) {
    case '':
      return undefined;
    case 'true':
      return true;
    case 'false':
      return false;
    default:
      throw recordError(`enabled must be true, false or empty, not '${cell.text}'`, line, cell.column);
  }
}
