import { expect, test } from 'vitest';
import { describeOnBothStores } from '../../../test/servers/stores.ts';
import type { Store } from '../store/store.ts';
import { openQueue } from './queue.ts';
import type { JobPayload, JobQueue } from './queue.ts';

function send(store: Store, queue: JobQueue, jobId: string, syncId: string): Promise<boolean> {
  return store.transaction((trx) => queue.send(trx, { jobId, syncId }));
}

describeOnBothStores('job queue', (makeStore) => {
  test('delivers what a transaction committed, and nothing of one that was rolled back', async () => {
    const store = await makeStore();
    await using queue = await openQueue(store);
    await expect(
      store.transaction(async (trx) => {
        expect(await queue.send(trx, { jobId: 'lost', syncId: 's1' })).toBe(true);
        throw new RangeError('rolled back');
      }),
    ).rejects.toThrow(RangeError);
    expect(await send(store, queue, 'kept', 's1')).toBe(true);
    expect(await send(store, queue, 'kept', 's1')).toBe(false);
    const delivered = Promise.withResolvers<JobPayload>();
    await queue.work(1, async (payload) => delivered.resolve(payload));
    expect(await delivered.promise).toEqual({ jobId: 'kept', syncId: 's1' });
  });

  test('forty jobs of four syncs on three workers: each once, those of a sync in order and never two at a time', async () => {
    const store = await makeStore();
    await using queue = await openQueue(store);
    const done: JobPayload[] = [];
    const running = new Set<string>();
    const all = Promise.withResolvers<void>();
    await queue.work(3, async (payload) => {
      if (running.has(payload.syncId)) all.reject(new Error(`two jobs of ${payload.syncId} at a time`));
      running.add(payload.syncId);
      await store.db.selectFrom('tenant').select('id').execute();
      running.delete(payload.syncId);
      done.push(payload);
      if (done.length === 40) all.resolve();
    });
    for (let index = 0; index < 40; index += 1) {
      await send(store, queue, `j${String(index).padStart(2, '0')}`, `s${index % 4}`);
    }
    await all.promise;
    for (const syncId of ['s0', 's1', 's2', 's3']) {
      const order = done.filter((payload) => payload.syncId === syncId).map(({ jobId }) => jobId);
      expect(order).toHaveLength(10);
      expect(order).toEqual(order.toSorted());
    }
  });

  test('a handler that throws has its job delivered again, and what it threw is told', async () => {
    const store = await makeStore();
    const errors: unknown[] = [];
    await using queue = await openQueue(store, { onError: (error) => errors.push(error) });
    const again = Promise.withResolvers<number>();
    let times = 0;
    await queue.work(1, async () => {
      times += 1;
      if (times < 3) throw new Error('not yet');
      again.resolve(times);
    });
    await send(store, queue, 'stubborn', 's1');
    expect(await again.promise).toBe(3);
    expect(errors).toMatchObject([{ message: 'not yet' }, { message: 'not yet' }]);
  });

  test('stop lets a handler come to a safe point, and the next queue resumes the job', async () => {
    const store = await makeStore();
    const first = await openQueue(store);
    const started = Promise.withResolvers<void>();
    let safe = false;
    await first.work(1, async (_payload, signal) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
      safe = true;
      signal.throwIfAborted();
    });
    await send(store, first, 'long', 's1');
    await started.promise;
    await first.stop();
    expect(safe).toBe(true);
    await using second = await openQueue(store);
    const resumed = Promise.withResolvers<string>();
    await second.work(1, async ({ jobId }) => resumed.resolve(jobId));
    expect(await resumed.promise).toBe('long');
  });
});
