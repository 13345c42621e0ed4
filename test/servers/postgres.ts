import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';

const run = promisify(execFile);
/** Where the programs of PostgreSQL are. */
export const binaries = process.env['LOCKSTEP_POSTGRES_BIN'] ?? '/usr/lib/postgresql/15/bin';

/** A PostgreSQL server of its own on the loopback, for the time of a test. */
export interface PostgresServer {
  /** Its database `postgres`, as superuser. */
  readonly url: string;
  readonly port: number;
  /** A new empty database. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

interface Account {
  readonly uid: number;
  readonly gid: number;
}

/** PostgreSQL refuses to run as root, so root runs it as the user `postgres`. */
async function serverAccount(): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const line = (await readFile('/etc/passwd', 'utf8'))
    .split('\n')
    .find((text) => text.startsWith('postgres:'));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined)
    throw new Error('There is no user postgres; install the package postgresql');
  return { uid: Number(uid), gid: Number(gid) };
}

async function runAs(account: Account | undefined, program: string, args: string[]): Promise<void> {
  await run(join(binaries, program), args, {
    ...account,
    cwd: tmpdir(),
    env: { ...process.env, LC_ALL: 'C.UTF-8' },
  });
}

async function makeFolder(path: string, account: Account | undefined): Promise<string> {
  await mkdir(path, { recursive: true, mode: 0o700 });
  if (account !== undefined) await chown(path, account.uid, account.gid);
  await chmod(path, 0o700);
  return path;
}

/** initdb takes seconds, so it is done once and copied; under another name first, so that a template is whole. */
async function template(account: Account | undefined): Promise<string> {
  const folder = join(tmpdir(), `lockstep-test-postgres-15-${process.getuid?.() ?? 0}`);
  const path = join(folder, 'template');
  if (existsSync(path)) return path;
  await makeFolder(folder, account);
  const making = join(folder, `making-${randomUUID()}`);
  await runAs(account, 'initdb', [
    '-D',
    making,
    '-U',
    'postgres',
    '-A',
    'trust',
    '-E',
    'UTF8',
    '--locale=C.UTF-8',
    '-N',
  ]);
  try {
    await rename(making, path);
  } catch (error) {
    // Another run was first.
    await rm(making, { recursive: true, force: true });
    if (!existsSync(path)) throw error;
  }
  return path;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('No port');
  return address.port;
}

async function answers(url: string): Promise<boolean> {
  const client = new Client({ connectionString: url, connectionTimeoutMillis: 2000 });
  client.on('error', () => undefined);
  try {
    await client.connect();
    await client.end();
    return true;
  } catch {
    return false;
  }
}

async function untilReady(server: ChildProcess, url: string, log: () => string): Promise<void> {
  const deadline = Date.now() + 30_000;
  while (!(await answers(url))) {
    if (server.exitCode !== null) throw new Error(`PostgreSQL ended with ${server.exitCode}: ${log()}`);
    if (Date.now() > deadline) throw new Error(`PostgreSQL is not ready after 30 s: ${log()}`);
    await pause(50);
  }
}

export interface PostgresOptions {
  /** Makes commits durable, which no test needs; off by default. */
  readonly fsync?: boolean;
  /** More `name=value` settings. */
  readonly settings?: readonly string[];
}

function start(
  data: string,
  port: number,
  account: Account | undefined,
  options: PostgresOptions,
): ChildProcess {
  const fsync = options.fsync === true ? 'on' : 'off';
  const settings = [
    'listen_addresses=127.0.0.1',
    'unix_socket_directories=',
    `fsync=${fsync}`,
    `synchronous_commit=${fsync}`,
    `full_page_writes=${fsync}`,
    'max_connections=60',
    ...(options.settings ?? []),
  ];
  const args = ['-D', data, '-p', String(port), ...settings.flatMap((setting) => ['-c', setting])];
  // The server must not outlive a test run that is killed: it is told when its parent has died.
  const as =
    account === undefined ? [] : ['--reuid', `${account.uid}`, '--regid', `${account.gid}`, '--clear-groups'];
  const command = [...as, '--pdeathsig', 'INT', join(binaries, 'postgres'), ...args];
  return spawn('setpriv', command, { cwd: tmpdir(), stdio: ['ignore', 'ignore', 'pipe'] });
}

/** Starts a server in a temporary directory; stop it, or use `await using`. */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const account = await serverAccount();
  const source = await template(account);
  const home = await makeFolder(await mkdtemp(join(tmpdir(), 'lockstep-postgres-')), account);
  const data = join(home, 'data');
  await run('cp', ['-a', source, data]);
  const port = await freePort();
  const url = `postgres://postgres@127.0.0.1:${port}/postgres`;
  const server = start(data, port, account, options);
  let log = '';
  server.stderr?.on('data', (text: Buffer) => {
    log = (log + text.toString()).slice(-4000);
  });
  const ended = once(server, 'exit');
  async function stop(): Promise<void> {
    // SIGINT is a fast shutdown: sessions are ended, the data is left clean.
    if (server.exitCode === null && server.signalCode === null) server.kill('SIGINT');
    await ended;
    await rm(home, { recursive: true, force: true });
  }
  try {
    await untilReady(server, url, () => log);
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, port, createDatabase: () => createDatabase(url), stop, [Symbol.asyncDispose]: stop };
}

async function createDatabase(url: string): Promise<string> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`create database ${name}`);
  } finally {
    await client.end();
  }
  return url.replace(/\/postgres$/, `/${name}`);
}
