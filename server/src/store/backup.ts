import { sql, type Transaction } from 'kysely';
import { LockstepError } from '../kernel/errors.ts';
import type { Database } from './schema.ts';
import type { Store } from './store.ts';

type Handle = Transaction<Database>;

/**
 * A backup is lines of JSON: a head, for each table a line that names it with its columns and then its rows as lists
 * of one text each, the positions of the sequences, and an end that counts the rows. It holds values and not pages, so
 * that one of the embedded engine can be restored on a server and the other way round.
 */
export interface BackupHead {
  readonly lockstepBackup: 1;
  /** Names of the migrations that made the tables. */
  readonly migrations: readonly string[];
  readonly takenAt: string;
}
interface TableLine {
  readonly table: string;
  readonly columns: readonly string[];
}
interface SequenceLine {
  readonly sequence: string;
  readonly lastValue: number;
}
interface EndLine {
  readonly rows: number;
}

/** Rows may hold pictures, so that few of them are in memory at a time. */
const batchRows = 250;

async function listMigrations(handle: Handle): Promise<string[]> {
  const { rows } = await sql<{ name: string }>`select name from lockstep_migration order by number`.execute(
    handle,
  );
  return rows.map(({ name }) => name);
}

/** Lasting tables of the schema; what is unlogged belongs to a job at hand. */
async function listTables(handle: Handle): Promise<TableLine[]> {
  const { rows } = await sql<{ table: string; columns: string[] }>`
    select c.relname as "table", array_agg(a.attname::text order by a.attnum) as columns
    from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.attgenerated = ''
    where c.relkind = 'r' and c.relpersistence = 'p' and c.relnamespace = current_schema()::regnamespace
      and c.relname <> 'lockstep_migration'
    group by c.relname order by c.relname`.execute(handle);
  return sortByReference(rows, await listReferences(handle));
}

async function listReferences(handle: Handle): Promise<{ from: string; to: string }[]> {
  const { rows } = await sql<{ from: string; to: string }>`
    select f.relname as "from", t.relname as "to" from pg_constraint k
    join pg_class f on f.oid = k.conrelid join pg_class t on t.oid = k.confrelid
    where k.contype = 'f' and k.connamespace = current_schema()::regnamespace`.execute(handle);
  return rows;
}

/** Tables that others refer to come first. */
function sortByReference(
  tables: readonly TableLine[],
  references: readonly { from: string; to: string }[],
): TableLine[] {
  const sorted: TableLine[] = [];
  const visit = (table: TableLine): void => {
    if (sorted.includes(table)) return;
    for (const { to } of references.filter((one) => one.from === table.table && one.to !== table.table)) {
      const target = tables.find((one) => one.table === to);
      if (target !== undefined) visit(target);
    }
    sorted.push(table);
  };
  for (const table of tables) visit(table);
  return sorted;
}

async function listSequences(handle: Handle): Promise<SequenceLine[]> {
  const { rows } = await sql<{ sequence: string; last: string }>`
    select sequencename::text as sequence, last_value::text as last from pg_sequences
    where schemaname = current_schema() and last_value is not null order by 1`.execute(handle);
  return rows.map(({ sequence, last }) => ({ sequence, lastValue: Number(last) }));
}

async function writeTable(
  handle: Handle,
  { table, columns }: TableLine,
  write: (line: string) => Promise<void>,
): Promise<number> {
  let count = 0;
  await write(JSON.stringify({ table, columns } satisfies TableLine));
  await sql`declare backup_rows no scroll cursor for
    select row_to_json(t)::text as row from ${sql.table(table)} t`.execute(handle);
  for (;;) {
    const { rows } = await sql<{ row: string }>`fetch ${sql.raw(String(batchRows))} from backup_rows`.execute(
      handle,
    );
    for (const { row } of rows) await write(JSON.stringify([row]));
    count += rows.length;
    if (rows.length < batchRows) break;
  }
  await sql`close backup_rows`.execute(handle);
  return count;
}

/** Hands all of the store, as it is at one moment, to `write` line by line. */
export async function writeBackup(
  store: Store,
  takenAt: Date,
  write: (line: string) => Promise<void>,
): Promise<void> {
  await store.transaction(async (trx) => {
    await sql`set transaction isolation level repeatable read, read only`.execute(trx);
    const migrations = await listMigrations(trx);
    const head: BackupHead = { lockstepBackup: 1, migrations, takenAt: takenAt.toISOString() };
    await write(JSON.stringify(head));
    let rows = 0;
    for (const table of await listTables(trx)) rows += await writeTable(trx, table, write);
    for (const sequence of await listSequences(trx)) await write(JSON.stringify(sequence));
    await write(JSON.stringify({ rows } satisfies EndLine));
  });
}

function damaged(reason: string): LockstepError {
  return new LockstepError('InvalidRecord', `The backup cannot be used: ${reason}.`, {
    remedy: 'Use another backup; nothing was restored.',
  });
}

function checkHead(head: Partial<BackupHead>, migrations: readonly string[]): void {
  if (head.lockstepBackup !== 1 || head.migrations === undefined)
    throw damaged('it is no backup of Lockstep');
  if (JSON.stringify(head.migrations) !== JSON.stringify(migrations)) {
    throw new LockstepError(
      'InvalidRecord',
      'The backup was taken by a version of Lockstep with other tables.',
      {
        remedy: `Restore it with the version that took it (its last migration is ${head.migrations.at(-1) ?? 'none'}), then update.`,
      },
    );
  }
}

class Restore {
  readonly #handle: Handle;
  #table: TableLine | undefined;
  #rows: string[] = [];
  #count = 0;
  ended = false;

  constructor(handle: Handle) {
    this.#handle = handle;
  }

  async take(line: string): Promise<void> {
    const value = parseLine(line);
    if (Array.isArray(value)) {
      this.#rows.push(String(value[0]));
      if (this.#rows.length >= batchRows) await this.#flush();
      return;
    }
    await this.#flush();
    if ('table' in value) this.#table = value;
    else if ('sequence' in value) await this.#setSequence(value);
    else this.#end(value);
  }

  async #flush(): Promise<void> {
    if (this.#rows.length === 0) return;
    if (this.#table === undefined) throw damaged('rows come before their table');
    const { table, columns } = this.#table;
    const names = sql.join(columns.map((name) => sql.ref(name)));
    const values = `[${this.#rows.join(',')}]`;
    await sql`insert into ${sql.table(table)} (${names}) overriding system value
      select ${names} from json_populate_recordset(null::${sql.table(table)}, ${values}::json)`
      .execute(this.#handle)
      .catch((cause: unknown) => {
        throw damaged(`rows of table ${table} are not accepted (${String(cause)})`);
      });
    this.#count += this.#rows.length;
    this.#rows = [];
  }

  async #setSequence({ sequence, lastValue }: SequenceLine): Promise<void> {
    await sql`select setval(${sequence}::regclass, ${lastValue})`.execute(this.#handle);
  }

  #end({ rows }: EndLine): void {
    if (rows !== this.#count) throw damaged(`it says ${rows} rows and has ${this.#count}`);
    this.ended = true;
  }
}

function parseLine(line: string): TableLine | SequenceLine | EndLine | [string] {
  try {
    return JSON.parse(line) as TableLine | SequenceLine | EndLine | [string];
  } catch {
    throw damaged('a line of it is broken');
  }
}

/**
 * Fills an empty store with a backup, all of it or nothing. Jobs that had not ended when it was taken are cancelled:
 * the queue is not part of a backup.
 * @throws LockstepError Conflict when the store is not empty; InvalidRecord when the backup is damaged, cut off or of
 * another version.
 */
export async function restoreBackup(store: Store, lines: AsyncIterable<string>): Promise<BackupHead> {
  return store.transaction(async (trx) => {
    const { rows } = await sql`select 1 from tenant limit 1`.execute(trx);
    if (rows.length > 0) {
      throw new LockstepError('Conflict', 'The store is not empty.', {
        remedy: 'Restore into a new data directory or an empty database.',
      });
    }
    let head: BackupHead | undefined;
    const restore = new Restore(trx);
    for await (const line of lines) {
      if (head !== undefined) {
        await restore.take(line);
        continue;
      }
      head = parseLine(line) as unknown as BackupHead;
      checkHead(head, await listMigrations(trx));
    }
    if (head === undefined || !restore.ended) throw damaged('its end is missing');
    await sql`update job set status = 'cancelled', phase = 'over', ended_at = ${new Date(head.takenAt)},
      note = 'had not ended when the backup was taken' where status in ('pending', 'running')`.execute(trx);
    return head;
  });
}
