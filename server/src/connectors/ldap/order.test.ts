import { describe, expect, test } from 'vitest';
import { runInOrder, type Task } from './order.ts';

interface Recorder {
  readonly log: string[];
  readonly task: (name: string, touches: string[], until?: Promise<unknown>) => Task;
}

function recorder(): Recorder {
  const log: string[] = [];
  return {
    log,
    task: (name, touches, until = Promise.resolve()) => ({
      touches,
      run: async () => {
        log.push(`+${name}`);
        await until;
        log.push(`-${name}`);
      },
    }),
  };
}

describe('runInOrder', () => {
  test('a child waits for its parent, a stranger does not', async () => {
    const { log, task } = recorder();
    const { promise, resolve } = Promise.withResolvers<void>();
    const run = runInOrder(
      [
        task('parent', ['ou=a,dc=x'], promise),
        task('stranger', ['ou=b,dc=x']),
        task('child', ['uid=1,ou=a,dc=x']),
      ],
      8,
      new AbortController().signal,
    );
    await Promise.resolve();
    expect(log.slice(0, 2)).toEqual(['+parent', '+stranger']);
    expect(log).not.toContain('+child');
    resolve();
    await run;
    expect(log.indexOf('+child')).toBeGreaterThan(log.indexOf('-parent'));
  });

  test.each([
    ['the same entry', 'ou=a,dc=x', 'ou=a,dc=x', true],
    ['one far beneath', 'ou=a,dc=x', 'uid=1,ou=b,ou=a,dc=x', true],
    ['one far above', 'uid=1,ou=b,ou=a,dc=x', 'ou=a,dc=x', true],
    ['a sibling', 'uid=1,ou=a,dc=x', 'uid=2,ou=a,dc=x', false],
    ['a name that ends alike', String.raw`ou=a,dc=x`, String.raw`cn=b\,ou=a,dc=x`, false],
  ])('%s', async (_which, first, second, waits) => {
    const { log, task } = recorder();
    const { promise, resolve } = Promise.withResolvers<void>();
    const tasks = [task('first', [first], promise), task('second', [second])];
    const run = runInOrder(tasks, 8, new AbortController().signal);
    await Promise.resolve();
    expect(log.includes('+second')).toBe(!waits);
    resolve();
    await run;
    expect(log).toContain('-second');
  });

  test('never more than the limit at once, and all of them in the end', async () => {
    let now = 0;
    let most = 0;
    const tasks = Array.from({ length: 50 }, (_, index) => ({
      touches: [`uid=${index},dc=x`],
      run: async () => {
        now += 1;
        most = Math.max(most, now);
        await new Promise((resolve) => setImmediate(resolve));
        now -= 1;
      },
    }));
    await runInOrder(tasks, 4, new AbortController().signal);
    expect([now, most]).toEqual([0, 4]);
  });

  test('after a failure nothing starts and the failure is thrown', async () => {
    const { log, task } = recorder();
    const failing = { touches: ['dc=x'], run: () => Promise.reject(new Error('lost')) };
    await expect(
      runInOrder([failing, task('later', ['uid=1,dc=x'])], 8, new AbortController().signal),
    ).rejects.toThrow('lost');
    expect(log).toEqual([]);
  });

  test('a fired signal stops the start of further tasks', async () => {
    const { log, task } = recorder();
    const controller = new AbortController();
    const stopping = { touches: ['dc=x'], run: async () => controller.abort(new Error('stop')) };
    await expect(runInOrder([stopping, task('later', ['dc=x'])], 8, controller.signal)).rejects.toThrow(
      'stop',
    );
    expect(log).toEqual([]);
  });
});
