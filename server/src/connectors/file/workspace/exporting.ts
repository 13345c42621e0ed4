import type { FileHandle } from 'node:fs/promises';
import type { DatabaseSync, SQLOutputValue, StatementSync } from 'node:sqlite';
import { attributesFromJson } from '../../../directory/attributes.ts';
import { LockstepError } from '../../../kernel/errors.ts';
import type { FileSettings } from '../config.ts';
import { csvWriter } from '../csv/render.ts';
import { jsonlWriter } from '../jsonl/render.ts';
import { ldifWriter } from '../ldif/render.ts';
import type { OutputMember, OutputRecord, RecordWriter } from '../output.ts';
import { placedSql } from './database.ts';
import { renderNamed } from './named.ts';

const pieceLength = 256 * 1024;
const pageRows = 500;

function writerFor(database: DatabaseSync, settings: FileSettings): RecordWriter {
  if (settings.format === 'ldif') return ldifWriter;
  if (settings.format === 'jsonl') return jsonlWriter;
  const columns = database.prepare('select name from csv_column order by position').all();
  const attributes = database.prepare(
    'select distinct attribute.key as name from entry, json_each(entry.attributes) attribute order by 1',
  );
  return csvWriter(settings.csv, columns.map(nameOf), attributes.all().map(nameOf));
}

function nameOf(row: Record<string, SQLOutputValue>): string {
  return row['name'] as string;
}

/** Puts every entry in the order of writing, with its location. @throws LockstepError when some hang on a cycle. */
function place(database: DatabaseSync): void {
  database.exec(
    'create temp table if not exists placed (ordinal integer primary key, entry integer not null unique, location text not null)',
  );
  database.exec('delete from temp.placed');
  database.exec(placedSql);
  const [all, placed] = ['entry', 'temp.placed'].map(
    (table) => database.prepare(`select count(*) as n from ${table}`).get()?.['n'],
  );
  if (all === placed) return;
  throw new LockstepError(
    'ParentCycle',
    `${Number(all) - Number(placed)} objects of the file lie under each other in a circle`,
  );
}

const pageSql = `select placed.ordinal, placed.location, entry.*, coalesce(above.external_id, entry.above) as parent_id
  from temp.placed placed
  join entry on entry.id = placed.entry
  left join entry above on above.id = entry.parent
  where placed.ordinal > ? order by placed.ordinal limit ${pageRows}`;

const membersSql = `select member.attribute, coalesce(placed.location, member.text) as location, coalesce(entry.external_id, member.text) as id
  from member
  left join temp.placed placed on placed.entry = member.member
  left join entry on entry.id = member.member
  where member.group_id = ? order by member.id`;

const namedSql = `select named.text, placed.location from named
  join temp.placed placed on placed.entry = named.target where named.entry = ?`;

function* membersOf(statement: StatementSync, group: number, ldif: boolean): Generator<OutputMember, void> {
  for (const row of statement.iterate(group)) {
    yield { attribute: row['attribute'] as string, text: row[ldif ? 'location' : 'id'] as string };
  }
}

/** Writes everything that the workspace holds, parents first; the handle's file is empty before. */
export async function exportFile(
  database: DatabaseSync,
  settings: FileSettings,
  handle: FileHandle,
): Promise<void> {
  place(database);
  const writer = writerFor(database, settings);
  const page = database.prepare(pageSql);
  const members = database.prepare(membersSql);
  const named = database.prepare(namedSql);
  const ldif = settings.format === 'ldif';
  let piece = writer.head;
  let empty = true;
  for (let ordinal = 0, rows = page.all(ordinal); rows.length > 0; rows = page.all(ordinal)) {
    empty = false;
    for (const row of rows) {
      ordinal = row['ordinal'] as number;
      const id = row['id'] as number;
      const record = toRecord(row, () => membersOf(members, id, ldif));
      const names = ldif ? (named.all(id) as unknown as { text: string; location: string }[]) : [];
      piece += writer.record({ ...record, attributes: renderNamed(record.attributes, names) });
      if (piece.length < pieceLength) continue;
      await handle.writeFile(piece);
      piece = '';
    }
  }
  await handle.writeFile(empty ? piece + writer.nothing : piece);
}

function toRecord(row: Record<string, SQLOutputValue>, members: () => Iterable<OutputMember>): OutputRecord {
  return {
    kind: row['kind'] as string,
    externalId: row['external_id'] as string,
    location: row['location'] as string,
    parent: row['parent_id'] as string,
    name: row['name'] as string,
    enabled: row['enabled'] === null ? null : row['enabled'] === 1,
    attributes: attributesFromJson(JSON.parse(row['attributes'] as string)),
    members,
  };
}
