import { describe, expect, test } from 'vitest';
import { BucketPace } from './pace.ts';

const signal = new AbortController().signal;

function paced(quotas: ConstructorParameters<typeof BucketPace>[0]): {
  pace: BucketPace;
  time: { now: number };
} {
  const time = { now: 0 };
  const pace = new BucketPace(quotas, {
    now: () => time.now,
    wait: (seconds) => Promise.resolve(void (time.now += seconds)),
  });
  return { pace, time };
}

describe('BucketPace', () => {
  test('no window of the quota sees more than its amount, whatever the arrival', async () => {
    const { pace, time } = paced({ writes: { amount: 3000, seconds: 150 } });
    const sent: number[] = [];
    for (let request = 0; request < 9000; request += 1) {
      await pace.take(1, signal);
      sent.push(time.now);
    }
    for (let first = 0; first + 3000 < sent.length; first += 100)
      expect(sent[first + 3000]! - sent[first]!).toBeGreaterThanOrEqual(150 - 1e-6);
    // And it stays just below: nine thousand in little more than three windows.
    expect(time.now).toBeLessThan(3.5 * 150);
  });

  test('all buckets that a request takes from must have enough', async () => {
    const { pace, time } = paced({
      reads: { amount: 100, seconds: 10, burst: 10 },
      writes: { amount: 20, seconds: 10, burst: 10 },
    });
    await pace.take({ reads: 10 }, signal);
    expect(time.now).toBe(0);
    await pace.take({ writes: 10 }, signal);
    expect(time.now).toBe(0);
    await pace.take({ reads: 9, writes: 5 }, signal);
    expect(time.now).toBe(5);
  });

  test('a penalty holds all, also those that wait already', async () => {
    const { pace, time } = paced({ requests: { amount: 10, seconds: 1 } });
    pace.penalty(30);
    expect(pace.secondsFor(0)).toBe(30);
    await pace.take(1, signal);
    expect(time.now).toBeGreaterThanOrEqual(30);
  });

  test('tells how long a sum of requests needs', () => {
    const { pace } = paced({ writes: { amount: 3000, seconds: 150, burst: 0 } });
    expect(pace.secondsFor(100_000)).toBeCloseTo(5000);
  });

  test('who stops waiting takes nothing', async () => {
    const controller = new AbortController();
    const pace = new BucketPace({ requests: { amount: 10, seconds: 1000, burst: 1 } });
    await pace.take(1, signal);
    const waiting = pace.take(1, controller.signal);
    const before = pace.secondsFor(1);
    controller.abort();
    await expect(waiting).rejects.toMatchObject({ code: 'Cancelled' });
    expect(pace.secondsFor(1)).toBeLessThan(before - 50);
  });
});
