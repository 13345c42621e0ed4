import type { FileFormat, FileSettings } from './config.ts';
import { CsvFramer } from './csv/framer.ts';
import { CsvParser } from './csv/record.ts';
import { parseJsonRecord } from './jsonl/record.ts';
import { LdifParser } from './ldif/record.ts';
import { LineFramer } from './line-framer.ts';
import type { Framer, ParsedRecord, RawRecord } from './record.ts';

/** Understands the records of one file in their order. */
export interface RecordParser {
  /** Undefined when it holds no object (header, version, comments). @throws LockstepError InvalidRecord. */
  parse(raw: RawRecord): ParsedRecord | undefined;
  /** After an error: the rest of the file cannot be understood either. */
  readonly unusable: boolean;
  /** So far there was not even what a file without objects has: a version line, a header. */
  readonly isBlank: boolean;
  /** CSV: the names of the columns. */
  readonly columns?: readonly string[];
}

export interface FormatReading {
  readonly framer: Framer;
  readonly parser: RecordParser;
}

const readings: Readonly<Record<FileFormat, (settings: FileSettings) => FormatReading>> = {
  ldif: (settings) => ({ framer: new LineFramer('blankLine', settings), parser: new LdifParser(settings) }),
  csv: (settings) => ({ framer: new CsvFramer(settings), parser: new CsvParser(settings.csv) }),
  jsonl: ({ maxRecordBytes }) => ({
    framer: new LineFramer('line', { maxLineBytes: maxRecordBytes, maxRecordBytes }),
    parser: { parse: parseJsonRecord, unusable: false, isBlank: false },
  }),
};

/** Everything that it takes to read one file once, from its beginning. */
export function startReading(settings: FileSettings): FormatReading {
  return readings[settings.format](settings);
}
