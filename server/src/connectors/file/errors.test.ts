import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { writingError } from './errors.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'lockstep-file-errors-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function failureOf(work: () => void): unknown {
  try {
    work();
  } catch (error) {
    return writingError(error, '/export/out.ldif');
  }
  return undefined;
}

test('a full disk and a folder that may not be written are errors that name the file', () => {
  const path = join(folder, 'full.db');
  const full = failureOf(() => {
    using database = new DatabaseSync(path);
    database.exec(
      'pragma max_page_count = 2; create table t (b blob); insert into t values (zeroblob(100000))',
    );
  });
  expect(full).toMatchObject({
    code: 'ConnectionFailed',
    message: '/export/out.ldif cannot be written: the disk is full',
  });
  const missing = failureOf(() => new DatabaseSync(join(folder, 'no/such.db')).close());
  expect(missing).toMatchObject({
    code: 'ConnectionFailed',
    message: '/export/out.ldif may not be accessed',
  });
  const readOnly = failureOf(() => {
    using database = new DatabaseSync(path, { readOnly: true });
    database.exec('create table u (n)');
  });
  expect(readOnly).toMatchObject({ code: 'ConnectionFailed' });
});

test('what is no fault of the disk stays what it is', () => {
  const wrong = failureOf(() => {
    using database = new DatabaseSync(':memory:');
    database.exec('no sql');
  });
  expect(wrong).toMatchObject({ code: 'ERR_SQLITE_ERROR' });
});
