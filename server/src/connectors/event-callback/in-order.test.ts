import { expect, test } from 'vitest';
import { runInOrder, type Claims } from './in-order.ts';

interface Task extends Claims {
  readonly name: string;
}

const task = (name: string, owned: string[], needed: string[] = []): Task => ({ name, owned, needed });

const settle = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Lets tasks end one by one, in the order asked for. */
function start(tasks: readonly Task[], width = 10) {
  const started: string[] = [];
  const ends = new Map<string, PromiseWithResolvers<void>>(
    tasks.map(({ name }) => [name, Promise.withResolvers<void>()]),
  );
  const done = runInOrder(
    tasks,
    (each) => each,
    width,
    async ({ name }) => {
      started.push(name);
      await ends.get(name)?.promise;
    },
  );
  return {
    started,
    done,
    async end(name: string) {
      ends.get(name)?.resolve();
      await settle();
    },
    async fail(name: string) {
      ends.get(name)?.reject(new Error(name));
      await settle();
    },
    settle,
  };
}

test('those of one object follow each other, others go side by side', async () => {
  const run = start([task('a1', ['a']), task('b1', ['b']), task('a2', ['a'])]);
  await run.settle();
  expect(run.started).toEqual(['a1', 'b1']);
  await run.end('a1');
  expect(run.started).toEqual(['a1', 'b1', 'a2']);
  await run.end('b1');
  await run.end('a2');
  await run.done;
});

test('siblings wait for their parent and not for each other, and what follows the parent waits for both', async () => {
  const run = start([task('p', ['p']), task('x', ['x'], ['p']), task('y', ['y'], ['p']), task('p2', ['p'])]);
  await run.settle();
  expect(run.started).toEqual(['p']);
  await run.end('p');
  expect(run.started).toEqual(['p', 'x', 'y']);
  await run.end('x');
  expect(run.started).toHaveLength(3);
  await run.end('y');
  expect(run.started).toEqual(['p', 'x', 'y', 'p2']);
  await run.end('p2');
  await run.done;
});

test('so many at a time; after a failure nothing is under way when it settles', async () => {
  const run = start([task('a', ['a']), task('b', ['b']), task('c', ['c'])], 2);
  await run.settle();
  expect(run.started).toEqual(['a', 'b']);
  let settled = false;
  const done = run.done.finally(() => (settled = true));
  done.catch(() => undefined);
  await run.fail('a');
  expect(run.started).toEqual(['a', 'b', 'c']);
  expect(settled).toBe(false);
  await run.end('b');
  await run.end('c');
  await expect(done).rejects.toThrow('a');
});
