import { extname, isAbsolute, resolve } from 'node:path';
import type { FileConnection } from '@lockstep/contract/connection-configuration.ts';
import { normaliseDn } from '../../directory/dn/dn.ts';
import { LockstepError } from '../../kernel/errors.ts';
import type { ConnectorContext } from '../../sync/connector.ts';
import type { CsvDialect } from './csv/record.ts';

export type FileFormat = 'ldif' | 'csv' | 'jsonl';

/** A connection's settings, with every choice made. */
export interface FileSettings {
  /** Absolute; symbolic links are not followed yet. */
  readonly path: string;
  readonly format: FileFormat;
  readonly baseDn: string;
  readonly entryUuid: boolean;
  readonly disabled: { readonly attribute: string; readonly value: string } | undefined;
  readonly csv: CsvDialect;
  readonly maxLineBytes: number;
  readonly maxRecordBytes: number;
}

const formatsByEnding: Readonly<Record<string, FileFormat>> = {
  '.ldif': 'ldif',
  '.ldf': 'ldif',
  '.csv': 'csv',
  '.jsonl': 'jsonl',
  '.ndjson': 'jsonl',
};

/** @throws LockstepError InvalidConfiguration when neither `format` nor the ending tells the format. */
export function formatOf(settings: Pick<FileConnection, 'path' | 'format'>): FileFormat {
  const format = settings.format ?? formatsByEnding[extname(settings.path).toLowerCase()];
  if (format !== undefined) return format;
  throw new LockstepError('InvalidConfiguration', `the ending of ${settings.path} does not tell its format`, {
    field: 'format',
    remedy: 'Set format to ldif, csv or jsonl.',
  });
}

/** @throws LockstepError InvalidConfiguration naming the field. */
export function resolveSettings(settings: FileConnection, context: ConnectorContext): FileSettings {
  const csv = { delimiter: ',', valueSeparator: '|', ...settings.csv };
  checkDialect(csv);
  return {
    path: isAbsolute(settings.path) ? settings.path : resolve(context.baseDirectory, settings.path),
    format: formatOf(settings),
    baseDn: settings.baseDn,
    entryUuid: settings.entryUuid,
    disabled: settings.disabled,
    csv,
    maxLineBytes: settings.maxLineBytes,
    maxRecordBytes: settings.maxRecordBytes,
  };
}

function checkDialect({ delimiter, valueSeparator }: CsvDialect): void {
  const reserved = ['"', '\\', '\r', '\n'];
  const wrong = [delimiter, valueSeparator].find((char) => reserved.includes(char));
  if (wrong === undefined && delimiter !== valueSeparator) return;
  throw new LockstepError(
    'InvalidConfiguration',
    'delimiter and valueSeparator must be two different characters, not \\, a quote or a line break',
    {
      field: 'csv',
    },
  );
}

/** The node of a scope as it is compared: the normalised DN, or the id of an organizational unit. */
export function normaliseNode(node: string, format: FileFormat): string {
  return format === 'ldif' ? normaliseDn(node) : node;
}
