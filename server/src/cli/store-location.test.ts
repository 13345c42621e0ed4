import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { parseDays, parseListen } from './commands/serve.ts';
import { socketPathOf } from './socket-path.ts';
import { locateStore, requireStore, storeArguments, type StoreOptions } from './store-location.ts';

const made: string[] = [];
afterEach(() => {
  for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
});

function locate(...parameters: Parameters<typeof locateStore>): string {
  const location = locateStore(...parameters);
  return location.type === 'embedded' ? location.directory : location.url;
}

test('--data, environment, beside the file, working directory: in this order', () => {
  expect(locate({ data: 'x' }, 'etc/lockstep.yaml', { LOCKSTEP_DATA: '/env' })).toBe(resolve('x'));
  expect(locate({}, 'etc/lockstep.yaml', { LOCKSTEP_DATA: '/env' })).toBe('/env');
  expect(locate({}, 'etc/lockstep.yaml', {})).toBe(resolve('etc/data'));
  expect(locate({}, undefined, {})).toBe(resolve('data'));
  expect(locate({}, undefined, { LOCKSTEP_DATABASE_URL: 'postgres://x' })).toBe('postgres://x');
  expect(locate({ data: 'x' }, undefined, { LOCKSTEP_DATABASE_URL: 'postgres://x' })).toBe(resolve('x'));
});

test('an empty option is refused, an empty variable names nothing', () => {
  expect(() => locate({ data: '' }, undefined, {})).toThrow(expect.objectContaining({ field: '--data' }));
  expect(() => locate({ keyFile: '' }, undefined, {})).toThrow(
    expect.objectContaining({ field: '--key-file' }),
  );
  expect(locate({}, undefined, { LOCKSTEP_DATA: '', LOCKSTEP_DATABASE_URL: '' })).toBe(resolve('data'));
});

test('with a server the directory is for what the process leaves', () => {
  expect(locateStore({ data: 'x', databaseUrl: 'postgres://x' }, undefined, {})).toEqual({
    type: 'server',
    url: 'postgres://x',
    directory: resolve('x'),
    keyFile: undefined,
  });
});

test('a database that is no PostgreSQL is refused, without the URL, which may hold a password', () => {
  expect(() => locateStore({ databaseUrl: 'mysql://me:secret@db/x' }, undefined, {})).toThrow(
    /^The database URL does not begin with postgres:\/\/\.$/,
  );
});

test.each([
  'postgres://me:1/secret@db/x',
  'postgres://me:1?secret@db/x',
  'postgres://me:1#secret@db/x',
  'postgres://me:sec#ret@db/x',
  'postgres://me:secret@[db/x',
  'postgres://me:se@cr/et@db/x',
  'postgres://me:se@cr?et@db/x',
])('a password that would be taken for another part is refused and not shown: %s', (databaseUrl) => {
  expect(() => locateStore({ databaseUrl }, undefined, {})).toThrow(/^The database URL cannot be read\.$/);
});

test.each([
  'postgres://me:se%2Fc%40ret@db:5432/x?sslmode=require',
  'postgresql:///x?host=/run/postgresql',
  'postgres://me:secret@/x?host=/run/postgresql',
  'postgres://me@%2Frun%2Fpostgresql/x',
  'postgres://me@db/x?sslmode=verify-full&sslrootcert=/home/ann@example.com/ca.pem',
  'postgres://db/x?user=me@server&password=abc',
])('a database is named as the driver reads it: %s', (databaseUrl) => {
  expect(locate({ databaseUrl }, undefined, {})).toBe(databaseUrl);
});

test('a directory that is not there is refused where nothing may be made', () => {
  expect(() => requireStore({ type: 'embedded', directory: '/nowhere/at/all', keyFile: undefined })).toThrow(
    'There is no data directory /nowhere/at/all.',
  );
});

const ask = (directory: string) => () => requireStore({ type: 'embedded', directory, keyFile: undefined });

test('a directory without a store is refused where nothing may be made, and the example beside it is named', () => {
  const base = mkdtempSync(join(tmpdir(), 'lockstep-'));
  made.push(base);
  mkdirSync(join(base, 'demo', 'pgdata'), { recursive: true });
  expect(ask(base)).toThrow(`There is no store in ${base}.`);
  expect(ask(base)).toThrow(
    expect.objectContaining({
      remedy: expect.stringContaining(`The worked example's is ${join(base, 'demo')}.`),
    }),
  );
  expect(ask(join(base, 'demo'))).not.toThrow();
});

test('the socket lies in the directory, or in a private folder when its path would be cut off', () => {
  const base = mkdtempSync(join(tmpdir(), 'lockstep-'));
  made.push(base);
  expect(socketPathOf(base)).toBe(join(base, 'lockstep.sock'));
  const long = join(base, 'x'.repeat(120));
  const path = socketPathOf(long);
  made.push(join(path, '..'));
  expect(Buffer.byteLength(path)).toBeLessThan(100);
  expect(socketPathOf(long)).toBe(path);
  expect(socketPathOf(`${long}y`)).not.toBe(path);
  made.push(join(socketPathOf(`${long}y`), '..'));
});

test.each([
  ['127.0.0.1:7700', { host: '127.0.0.1', port: 7700 }],
  ['[::1]:0', { host: '::1', port: 0 }],
  ['localhost:65535', { host: 'localhost', port: 65535 }],
])('%s is an address', (text, address) => {
  expect(parseListen(text)).toEqual(address);
});

test.each(['7700', ':7700', 'localhost:', 'localhost:65536', '::1:7700'])('%s is none', (text) => {
  expect(() => parseListen(text)).toThrow('no address to listen on');
});

const days = (text: string) => parseDays(text, '--keep-jobs');

test('what jobs leave behind is kept for a number of days, or for ever', () => {
  expect([days('1'), days('400'), days('forever')]).toEqual([1, 400, undefined]);
  for (const text of ['0', '-1', '1.5', '90d', '', '100000'])
    expect(() => days(text)).toThrow('no number of days');
});

function told(options: StoreOptions, environment: NodeJS.ProcessEnv = {}): string {
  return storeArguments(locateStore(options, undefined, environment), environment);
}

test('commands that are told to a person name the store where another one would be found from here', () => {
  expect(told({})).toBe('');
  expect(told({ data: 'data' })).toBe('');
  expect(told({ data: '/var/lib/lock step' })).toBe(" --data '/var/lib/lock step'");
  expect(told({}, { LOCKSTEP_DATA: '/srv/a' })).toBe('');
  expect(told({ data: '/srv/b' }, { LOCKSTEP_DATA: '/srv/a' })).toBe(' --data /srv/b');
  const LOCKSTEP_DATABASE_URL = 'postgres://me:secret@db/x';
  expect(told({ data: 'data' }, { LOCKSTEP_DATABASE_URL })).toBe(` --data ${resolve('data')}`);
  expect(told({}, { LOCKSTEP_DATABASE_URL })).toBe('');
  expect(told({ databaseUrl: LOCKSTEP_DATABASE_URL })).toBe(' --database-url ...');
});

test.each(['Acme & Söhne', '$HOME `id` "$(id)"', "O'Neill's", '50 % \\ !!', '-x', ' '])(
  'the tenant %j is named as a shell takes it',
  (tenant) => {
    const words = execFileSync('sh', ['-c', `printf %s${told({ tenant })}`], { encoding: 'utf8' });
    expect(words).toBe(`--tenant${tenant}`);
  },
);
