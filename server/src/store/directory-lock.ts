import { randomUUID } from 'node:crypto';
import { link, readdir, readFile, rename, stat, unlink, utimes, writeFile } from 'node:fs/promises';
import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { LockstepError } from '../kernel/errors.ts';

/** How often the owner touches its lock, and after how long without that a lock of another host counts as left. */
const touchMilliseconds = 5_000;
const leftMilliseconds = 30_000;

/** Who holds a data directory. */
export interface LockOwner {
  readonly nonce: string;
  readonly pid: number;
  /** Start of the process in clock ticks since boot: tells it from a later one with the same pid. */
  readonly startTime: string;
  readonly host: string;
  /** Boot and pid namespace: only where they are ours does a pid mean anything to us. */
  readonly realm: string;
  readonly since: string;
}

export interface DirectoryLock {
  readonly owner: LockOwner;
  release(): Promise<void>;
}

function readQuietly(read: () => string): string {
  try {
    return read();
  } catch {
    return '';
  }
}

/** Field 22 of /proc/PID/stat (proc(5)); the name in field 2 may hold blanks, so counting starts behind it. */
function startTimeOf(pid: number): string {
  const text = readQuietly(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function realm(): string {
  const boot = readQuietly(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim());
  return `${hostname()} ${boot} ${readQuietly(() => readlinkSync('/proc/self/ns/pid'))}`;
}

function isRunning(owner: LockOwner): boolean {
  try {
    process.kill(owner.pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
  return owner.startTime === startTimeOf(owner.pid);
}

function codeOf(error: unknown): string | undefined {
  return error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined;
}

async function readOwner(path: string): Promise<LockOwner | undefined> {
  try {
    return JSON.parse(await readFile(path, 'utf8')) as LockOwner;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw new LockstepError('DataDirectoryLocked', `The lock ${path} cannot be read: ${String(error)}`, {
      remedy: `If no Lockstep process uses this directory, delete ${path}.`,
    });
  }
}

async function isLeft(owner: LockOwner, path: string): Promise<boolean> {
  if (owner.realm === realm()) return !isRunning(owner);
  const { mtimeMs } = await stat(path);
  return Date.now() - mtimeMs > leftMilliseconds;
}

function refusal(directory: string, owner: LockOwner): LockstepError {
  const ours = owner.realm === realm();
  return new LockstepError(
    'DataDirectoryLocked',
    `The data directory ${directory} is held by process ${owner.pid} on ${owner.host} since ${owner.since}`,
    {
      remedy: ours
        ? `Stop process ${owner.pid}, or work through the server that it runs.`
        : `Stop Lockstep on ${owner.host}; if that machine or container is gone, try again in ${leftMilliseconds / 1000} seconds.`,
    },
  );
}

async function tryLink(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

function successorPath(lock: string, nonce: string): string {
  return `${lock}.after-${nonce}`;
}

/**
 * A lock is a chain: `lock` names an owner, `lock.after-NONCE` the one that took over from the owner of that nonce
 * when it had died. Each is made by link(2), which fails if the name exists, so that one process only can follow a
 * dead owner, however many try and wherever they are killed. Who has succeeded makes itself `lock` and clears away.
 */
async function lastOf(lock: string): Promise<{ owner: LockOwner; path: string } | undefined> {
  let path = lock;
  let owner = await readOwner(path);
  while (owner !== undefined) {
    const nextPath = successorPath(lock, owner.nonce);
    const next = await readOwner(nextPath);
    if (next === undefined) return { owner, path };
    path = nextPath;
    owner = next;
  }
  return undefined;
}

async function tryTake(directory: string, lock: string, own: string, nonce: string): Promise<boolean> {
  const last = await lastOf(lock);
  if (last === undefined) return tryLink(own, lock);
  if (!(await isLeft(last.owner, last.path))) throw refusal(directory, last.owner);
  const claim = successorPath(lock, last.owner.nonce);
  if (!(await tryLink(own, claim))) return false;
  // The chain may have been cleared away since it was read; then this claim hangs in the air.
  if ((await lastOf(lock))?.owner.nonce === nonce) {
    await rename(own, lock);
    return true;
  }
  await unlink(claim);
  return false;
}

async function clearAway(directory: string, name: string): Promise<void> {
  const left = (await readdir(directory)).filter((entry) => entry.startsWith(`${name}.after-`));
  for (const entry of left) await unlink(join(directory, entry)).catch(() => undefined);
}

/**
 * Takes the lock of a data directory; of a process that was killed it is taken over.
 * @throws LockstepError DataDirectoryLocked that names the owner
 */
export async function lockDirectory(directory: string, name = 'lock'): Promise<DirectoryLock> {
  const lock = join(directory, name);
  const nonce = randomUUID();
  const own = `${lock}.own-${nonce}`;
  const owner: LockOwner = {
    nonce,
    pid: process.pid,
    startTime: startTimeOf(process.pid),
    host: hostname(),
    realm: realm(),
    since: new Date().toISOString(),
  };
  try {
    await writeFile(own, `${JSON.stringify(owner)}\n`, { mode: 0o600, flag: 'wx' });
    while (!(await tryTake(directory, lock, own, nonce)));
  } finally {
    await unlink(own).catch(() => undefined);
  }
  await clearAway(directory, name);
  return hold(lock, owner);
}

function hold(lock: string, owner: LockOwner): DirectoryLock {
  const touching = setInterval(() => {
    const now = new Date();
    utimes(lock, now, now).catch(() => undefined);
  }, touchMilliseconds);
  touching.unref();
  return {
    owner,
    async release() {
      clearInterval(touching);
      if ((await readOwner(lock))?.nonce === owner.nonce) await unlink(lock);
    },
  };
}
