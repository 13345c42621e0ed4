import type { FileHandle } from 'node:fs/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { attributesToJson } from '../../../directory/attributes.ts';
import type { FileSettings } from '../config.ts';
import { recordError } from '../errors.ts';
import { startReading } from '../format.ts';
import type { ParsedRecord } from '../record.ts';
import { readRecords } from '../record-stream.ts';
import { indexesSql, inTransaction } from './database.ts';
import { importedKey, namingValues } from './named.ts';
import { nameKey, placeKey } from './naming.ts';

interface Inserts {
  readonly entry: StatementSync;
  readonly reference: StatementSync;
  readonly member: StatementSync;
  readonly named: StatementSync;
}

/**
 * Takes the file into an empty workspace; the caller marks it as complete.
 * @throws LockstepError for a record that cannot be understood: the file could not be written back without loss.
 */
export async function importFile(
  database: DatabaseSync,
  settings: FileSettings,
  handle: FileHandle | null,
  signal: AbortSignal,
): Promise<void> {
  if (handle !== null && (await handle.stat()).size > 0)
    await importRecords(database, settings, handle, signal);
  inTransaction(database, () => database.exec(indexesSql));
}

async function importRecords(
  database: DatabaseSync,
  settings: FileSettings,
  handle: FileHandle,
  signal: AbortSignal,
): Promise<void> {
  const inserts = prepareInserts(database);
  const reading = startReading(settings);
  for await (const results of readRecords(handle, reading, signal)) {
    inTransaction(database, () => {
      for (const result of results) {
        if (!result.ok) throw result.error;
        insertRecord(inserts, settings, result.record);
      }
    });
  }
  const column = database.prepare('insert or ignore into csv_column (name) values (?)');
  for (const name of reading.parser.columns ?? []) column.run(name);
}

function prepareInserts(database: DatabaseSync): Inserts {
  return {
    entry:
      database.prepare(`insert into entry (kind, external_id, above, above_key, name, name_key, enabled, attributes)
      values (?, ?, ?, ?, ?, ?, ?, ?)`),
    reference: database.prepare('insert or ignore into imported (reference, entry) values (?, ?)'),
    member: database.prepare('insert into member (group_id, attribute, text, reference) values (?, ?, ?, ?)'),
    named: database.prepare('insert into named (entry, attribute, text, reference) values (?, ?, ?, ?)'),
  };
}

function insertRecord(inserts: Inserts, settings: FileSettings, record: ParsedRecord): void {
  const { format } = settings;
  const aboveKey = placeKey(format, record.parent);
  const enabled = record.enabled === undefined ? null : Number(record.enabled);
  const attributes = record.attributes();
  const { lastInsertRowid: id } = inserts.entry.run(
    record.kind,
    record.externalId,
    record.parent,
    aboveKey,
    record.name,
    nameKey(format, record.kind, record.name),
    // In LDIF the state is one of the attributes already.
    format === 'ldif' ? null : enabled,
    JSON.stringify(attributesToJson(attributes)),
  );
  if (inserts.reference.run(record.reference, id).changes === 0) {
    throw recordError(`${record.location} stands in the file twice`, record.raw.line);
  }
  if (format === 'ldif')
    for (const value of namingValues(attributes)) {
      const reference = importedKey(value);
      if (reference !== undefined) inserts.named.run(id, value.attribute, value.text, reference);
    }
  const seen = new Set<string>([record.reference]);
  for (const member of record.members()) {
    const key = `${member.attribute} ${member.reference}`;
    if (seen.has(key) || member.reference === record.reference) continue;
    seen.add(key);
    inserts.member.run(id, member.attribute, member.text, member.reference);
  }
}
