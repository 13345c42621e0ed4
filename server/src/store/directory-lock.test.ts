import { mkdtemp, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { startChild } from '../../../test/programs/child.ts';
import type { Child } from '../../../test/programs/child.ts';
import { openQueue } from '../jobs/queue.ts';
import { lockDirectory } from './directory-lock.ts';
import type { DirectoryLock, LockOwner } from './directory-lock.ts';
import { openStore } from './open.ts';
import type { Store } from './store.ts';

let folder: string;
let children: Child[] = [];
function start(task: string): Child {
  const child = startChild('hold-store.ts', ['data', folder, task]);
  children.push(child);
  return child;
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lockstep-lock-'));
});
afterEach(async () => {
  for (const child of children) await child.kill();
  children = [];
  await rm(folder, { recursive: true, force: true });
});

async function deadOwner(change: Partial<LockOwner>): Promise<void> {
  const lock = await lockDirectory(folder);
  const text = await readFile(join(folder, 'lock'), 'utf8');
  await lock.release();
  await writeFile(join(folder, 'lock'), JSON.stringify({ ...(JSON.parse(text) as LockOwner), ...change }));
}

describe('directory lock', () => {
  test('a second owner is refused until the first releases, and nothing is left behind', async () => {
    const first = await lockDirectory(folder);
    await expect(lockDirectory(folder)).rejects.toMatchObject({
      code: 'DataDirectoryLocked',
      message: expect.stringContaining(`process ${process.pid} `),
      remedy: expect.stringContaining(`Stop process ${process.pid}`),
    });
    await first.release();
    const second = await lockDirectory(folder);
    await second.release();
    expect(await readdir(folder)).toEqual([]);
  });

  test('of many who follow a dead owner, also an unfinished successor, one wins', async () => {
    await deadOwner({ nonce: 'first', pid: 0x7ffffff0 });
    const left = JSON.parse(await readFile(join(folder, 'lock'), 'utf8')) as LockOwner;
    await writeFile(join(folder, 'lock.after-first'), JSON.stringify({ ...left, nonce: 'second' }));
    const outcomes = await Promise.allSettled(Array.from({ length: 12 }, () => lockDirectory(folder)));
    const winners = outcomes.filter((outcome) => outcome.status === 'fulfilled');
    expect(winners).toHaveLength(1);
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected')
        expect(outcome.reason).toMatchObject({ code: 'DataDirectoryLocked' });
    }
    expect(await readdir(folder)).toEqual(['lock']);
    await (winners[0] as PromiseFulfilledResult<DirectoryLock>).value.release();
  });

  test('another process with the same pid does not count as the owner', async () => {
    await deadOwner({ startTime: '1' });
    await (await lockDirectory(folder)).release();
  });

  test('of another host it is respected while it is touched, and taken over when it is not', async () => {
    await deadOwner({ realm: 'elsewhere', host: 'elsewhere', pid: 1 });
    await expect(lockDirectory(folder)).rejects.toMatchObject({
      code: 'DataDirectoryLocked',
      message: expect.stringContaining('on elsewhere'),
    });
    const past = new Date(Date.now() - 31_000);
    await utimes(join(folder, 'lock'), past, past);
    await (await lockDirectory(folder)).release();
  });
});

async function tenantNames(store: Store): Promise<string[]> {
  const rows = await store.db.selectFrom('tenant').select('name').execute();
  return rows.map(({ name }) => name);
}

describe('a data directory and two processes', () => {
  test('the second is refused, and after kill -9 in a transaction what was committed is there', async () => {
    const first = start('transaction');
    expect(await first.line()).toBe('open');
    await expect(openStore({ data: folder })).rejects.toMatchObject({
      code: 'DataDirectoryLocked',
      message: expect.stringContaining(String(first.pid)),
    });
    expect(await start('wait').line()).toBe('DataDirectoryLocked');
    await first.kill();
    await using store = await openStore({ data: folder });
    expect(await tenantNames(store)).toEqual(['committed']);
  });

  test('a job that a killed process left is taken up by the next', async () => {
    {
      await using store = await openStore({ data: folder });
      await using queue = await openQueue(store);
      await store.transaction((trx) => queue.send(trx, { jobId: 'sync_1', syncId: 'syn_1' }));
    }
    const first = start('job');
    const lines = [await first.line(), await first.line()];
    expect(lines.toSorted()).toEqual(['open', 'sync_1']);
    await first.kill();
    await using store = await openStore({ data: folder });
    await using queue = await openQueue(store);
    const delivered = Promise.withResolvers<string>();
    await queue.work(1, async ({ jobId }) => delivered.resolve(jobId));
    expect(await delivered.promise).toBe('sync_1');
  });
});
