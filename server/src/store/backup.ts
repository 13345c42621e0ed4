import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import type { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { CompiledQuery, sql } from 'kysely';
import { DatabaseError } from 'pg';
import type { Transaction } from 'kysely';
import type { z } from 'zod';
import { LockstepError } from '../kernel/errors.ts';
import { version } from '../kernel/version.ts';
import {
  countBlocks,
  isEmpty,
  listMigrations,
  listSequences,
  listTables,
  setSequence,
} from './backup-catalog.ts';
import {
  backupHeader,
  damaged,
  decodeFrames,
  encodeFrames,
  sequenceStates,
  tableEnd,
} from './backup-format.ts';
import type { BackupHeader, Frame, FrameKind, TableEnd } from './backup-format.ts';
import { quoteName } from './bulk-copy.ts';
import type { Database } from './schema.ts';
import { CopySink, CopySource } from './store-client.ts';
import type { Store } from './store.ts';

export interface BackupReport {
  readonly createdAt: string;
  readonly version: string;
  /** Rows by table. */
  readonly rows: Readonly<Record<string, number>>;
}

type Trx = Transaction<Database>;
type BackupTable = BackupHeader['tables'][number];

const wantedFrame = 2 * 1024 * 1024;
const mostBlocks = 1024;

function jsonFrame(kind: FrameKind, value: object): Frame {
  return { kind, payload: Buffer.from(JSON.stringify(value)) };
}

function countRows(text: Buffer): number {
  let rows = 0;
  for (let at = text.indexOf(10); at !== -1; at = text.indexOf(10, at + 1)) rows += 1;
  return rows;
}

/**
 * A table in ranges of blocks (PostgreSQL 14 and newer scan them without a sort), since the embedded engine cannot
 * pause a COPY. Large values lie outside the blocks, so the range adapts to what the last one gave.
 */
async function* readTable(trx: Trx, table: BackupTable): AsyncGenerator<Frame, TableEnd> {
  const blocks = await countBlocks(trx, table.name);
  const columns = table.columns.map(quoteName).join(', ');
  const sum = createHash('sha256');
  let rows = 0;
  let step = 16;
  for (let first = 0; first < blocks;) {
    const next = first + step;
    const range = `ctid >= '(${first},0)' and ctid < '(${next},0)'`;
    const sink = new CopySink();
    const text = `copy (select ${columns} from ${quoteName(table.name)} where ${range}) to stdout`;
    await trx.executeQuery(CompiledQuery.raw(text, [sink]));
    if (sink.bytes.length > 0) yield { kind: 'rows', payload: sink.bytes };
    sum.update(sink.bytes);
    rows += countRows(sink.bytes);
    first = next;
    step = sink.bytes.length > wantedFrame ? Math.max(1, step >> 1) : Math.min(mostBlocks, step * 2);
  }
  return { name: table.name, rows, sha256: sum.digest('hex') };
}

async function* readStore(
  trx: Trx,
  header: BackupHeader,
  report: Record<string, number>,
): AsyncGenerator<Frame> {
  yield jsonFrame('header', header);
  for (const table of header.tables) {
    const end = yield* readTable(trx, table);
    report[table.name] = end.rows;
    yield jsonFrame('tableEnd', end);
  }
  yield jsonFrame('sequences', await listSequences(trx));
}

/** A transaction as long as what is written to, or read from, takes: a pipe may stand still. */
async function waitForOthers(trx: Transaction<Database>): Promise<void> {
  await sql`set local idle_in_transaction_session_timeout = 0`.execute(trx);
}

/**
 * Writes all of Lockstep's data as it is at one moment, compressed. The queue is not in it; secrets are in it sealed,
 * so the master key must be kept too. Embedded, other queries wait until the backup is written.
 */
export async function writeBackup(store: Store, target: Writable | string): Promise<BackupReport> {
  if (typeof target === 'string') return writeBackupFile(store, target);
  const rows: Record<string, number> = {};
  return store.db
    .transaction()
    .setIsolationLevel('repeatable read')
    .setAccessMode('read only')
    .execute(async (trx) => {
      await waitForOthers(trx);
      const header: BackupHeader = {
        format: 1,
        version,
        createdAt: new Date().toISOString(),
        migrations: await listMigrations(trx),
        tables: await listTables(trx),
      };
      const bytes = Readable.from(encodeFrames(readStore(trx, header, rows)), {
        objectMode: true,
        highWaterMark: 1,
      });
      await pipeline(bytes, createGzip({ level: 3 }), target);
      return { createdAt: header.createdAt, version: header.version, rows };
    });
}

/** Under another name until it is whole and on disk. */
async function writeBackupFile(store: Store, path: string): Promise<BackupReport> {
  const temporary = `${path}.${randomUUID().slice(0, 8)}.part`;
  // Opened here: a stream that opens by itself may create the file after it has been removed.
  const file = await open(temporary, 'wx', 0o600);
  try {
    const report = await writeBackup(store, file.createWriteStream({ flush: true }));
    await rename(temporary, path);
    const folder = await open(dirname(path), 'r');
    await folder.sync().finally(() => folder.close());
    return report;
  } catch (error) {
    await file.close();
    await rm(temporary, { force: true });
    throw error;
  }
}

function parsePayload<T>(frame: Frame | undefined, kind: FrameKind, schema: z.ZodType<T>): T {
  if (frame?.kind !== kind) throw damaged(`${kind} is missing`);
  return schema.parse(JSON.parse(frame.payload.toString('utf8')));
}

async function nextFrame(frames: AsyncIterator<Frame>): Promise<Frame | undefined> {
  const { done, value } = await frames.next();
  return done === true ? undefined : value;
}

function sameNames(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((name) => right.includes(name));
}

function nameWithContents({ name, sha256 }: BackupHeader['migrations'][number]): string {
  return `${name} ${sha256}`;
}

/** The version alone does not tell two states of the tables apart: between two releases it stays the same. */
function faultOfMigrations(
  { version: writer, migrations }: BackupHeader,
  known: BackupHeader['migrations'],
): LockstepError | undefined {
  if (sameNames(known.map(nameWithContents), migrations.map(nameWithContents))) return undefined;
  const last = migrations.at(-1)?.name ?? 'none';
  const isOlder = migrations.length < known.length;
  return new LockstepError(
    'InvalidRecord',
    `The backup has the tables of Lockstep ${writer} with ${last} as its last migration; here it is ${known.at(-1)?.name}`,
    {
      remedy: isOlder
        ? 'Restore it into an empty store with the Lockstep that wrote it, then start this one on that store.'
        : 'Restore it with the Lockstep that wrote it, or a newer one.',
    },
  );
}

async function assertFits(trx: Trx, header: BackupHeader): Promise<void> {
  const fault = faultOfMigrations(header, await listMigrations(trx));
  if (fault !== undefined) throw fault;
  const tables = await listTables(trx);
  for (const { name } of tables) {
    if (await isEmpty(trx, name)) continue;
    throw new LockstepError('Conflict', `The store is not empty: table ${name} has rows`, {
      remedy: 'Restore into a new data directory, or a new database.',
    });
  }
  for (const { name, columns } of header.tables) {
    const table = tables.find((candidate) => candidate.name === name);
    if (table === undefined || !sameNames(table.columns, columns))
      throw damaged(`table ${name} has other columns`);
  }
}

/** @returns the end of the table that the backup tells, checked against what came */
async function restoreTable(trx: Trx, table: BackupTable, frames: AsyncIterator<Frame>): Promise<TableEnd> {
  const sum = createHash('sha256');
  let last: Frame | undefined;
  async function* rows(): AsyncGenerator<Buffer> {
    for (last = await nextFrame(frames); last?.kind === 'rows'; last = await nextFrame(frames)) {
      sum.update(last.payload);
      yield last.payload;
    }
  }
  const source = new CopySource(rows());
  const columns = table.columns.map(quoteName).join(', ');
  await trx.executeQuery(
    CompiledQuery.raw(`copy ${quoteName(table.name)} (${columns}) from stdin`, [source]),
  );
  const end = parsePayload(last, 'tableEnd', tableEnd);
  if (end.name !== table.name || end.rows !== source.copied || end.sha256 !== sum.digest('hex')) {
    throw damaged(`table ${table.name} does not have the rows it should`);
  }
  return end;
}

async function restoreFrames(trx: Trx, frames: AsyncIterator<Frame>): Promise<BackupReport> {
  const header = parsePayload(await nextFrame(frames), 'header', backupHeader);
  await assertFits(trx, header);
  const rows: Record<string, number> = {};
  for (const table of header.tables) rows[table.name] = (await restoreTable(trx, table, frames)).rows;
  const sequences = parsePayload(await nextFrame(frames), 'sequences', sequenceStates);
  // Reading to the end checks the sum over everything.
  if ((await nextFrame(frames)) !== undefined) throw damaged('something follows its sequences');
  for (const state of sequences) await setSequence(trx, state);
  return { createdAt: header.createdAt, version: header.version, rows };
}

/** Where the store gave up or has no room, the backup is not to blame. */
async function faultOfStore(store: Store, error: unknown): Promise<LockstepError | undefined> {
  // Class 53: insufficient resources.
  if (error instanceof DatabaseError && error.code?.startsWith('53') === true) {
    return new LockstepError('StoreUnavailable', `The store has no room: ${error.message}`, {
      cause: error,
      remedy: 'Nothing was written. Make room and restore again.',
    });
  }
  const stillThere = Promise.resolve(undefined);
  return Promise.race([store.failed ?? stillThere, stillThere]);
}

/**
 * Restores a backup into an empty store of either engine, all in one transaction: a backup that is cut short, changed
 * or of another schema leaves the store empty.
 * @throws LockstepError InvalidRecord for a backup that cannot be used, Conflict for a store that is not empty
 */
export async function restoreBackup(store: Store, source: Readable | string): Promise<BackupReport> {
  const input = typeof source === 'string' ? createReadStream(source) : source;
  const bytes = createGunzip();
  // It may fail while the transaction is still being opened, with nobody reading: the reader gets it then.
  bytes.on('error', () => undefined);
  // Its failure ends `bytes` with the same error, which the reader of the frames then gets.
  const feeding = pipeline(input, bytes).catch(() => undefined);
  try {
    const report = await store.transaction(async (trx) => {
      await waitForOthers(trx);
      return restoreFrames(trx, decodeFrames(bytes));
    });
    // The planner of the embedded store would take every table for empty for good.
    await sql`analyze`.execute(store.db);
    return report;
  } catch (error) {
    if (error instanceof LockstepError) throw error;
    throw (await faultOfStore(store, error)) ?? damaged(String(error), error);
  } finally {
    bytes.destroy();
    await feeding;
  }
}
