import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { describeOnSharedStores } from '../../../test/servers/shared-store.ts';
import type { Wait } from '../http-client/wait.ts';
import { StorePace } from './store-pace.ts';

const quotas = { writes: { amount: 1000, seconds: 1000, burst: 10 } };

describeOnSharedStores('a pace that processes share', (makeStore) => {
  /** Waits are noted and not waited. */
  async function open() {
    const store = await makeStore();
    const waits: number[] = [];
    const wait: Wait = async (seconds, signal) => {
      signal.throwIfAborted();
      waits.push(seconds);
    };
    const { signal } = new AbortController();
    const pace = (key = 'a'): StorePace => new StorePace(store, key, quotas, wait);
    return { pace, waits, signal };
  }

  test('lets a burst through, and makes each wait for what the others have taken', async () => {
    const { pace, waits, signal } = await open();
    const [one, other] = [pace(), pace()];
    await one.take({ writes: 10 }, signal);
    expect(waits).toEqual([]);
    await other.take({ writes: 99 }, signal);
    expect(waits[0]).toBeGreaterThan(50);
    expect(waits[0]).toBeLessThanOrEqual(100);
    await pace('another application').take({ writes: 10 }, signal);
    expect(waits).toHaveLength(1);
    expect(other.secondsFor({ writes: 99 })).toBeGreaterThan(100);
  });

  test('what is not used after all is given back', async () => {
    const { pace, waits, signal } = await open();
    const gone = new AbortController();
    await pace().take({ writes: 10 }, signal);
    gone.abort();
    await expect(pace().take({ writes: 990 }, gone.signal)).rejects.toThrow();
    await pace().take({ writes: 1 }, signal);
    expect(Math.max(...waits)).toBeLessThan(10);
  });

  test('is quiet for all when the system asks for it', async () => {
    const { pace, signal } = await open();
    const store = await makeStore();
    const quiet: number[] = [];
    let asked = 0;
    const wait: Wait = async (seconds) => {
      quiet.push(seconds);
      asked += 1;
      if (asked === 3) throw new Error('waited enough');
    };
    const one = new StorePace(store, 'a', quotas, wait);
    const other = new StorePace(store, 'a', quotas, wait);
    await one.take({ writes: 1 }, signal);
    one.penalty(60);
    const quietRows = async () => (await sql`select from pace_quiet where key = 'a'`.execute(store.db)).rows;
    await expect.poll(quietRows, { timeout: 10_000 }).toHaveLength(1);
    await expect(other.take({ writes: 1 }, signal)).rejects.toThrow('waited enough');
    expect(quiet[0]).toBeGreaterThan(30);
    await pace('b').take({ writes: 1 }, signal);
  });
});
