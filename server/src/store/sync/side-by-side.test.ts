import { expect, test } from 'vitest';
import type { Store } from '../store.ts';
import { sideBySide } from './side-by-side.ts';

const storeOf = (engine: Store['engine']) => ({ engine });

/** Works that wait until they are let go, and what became of them. */
function makeWorks(count: number) {
  const begun: number[] = [];
  const ended: number[] = [];
  const gates = Array.from({ length: count }, () => Promise.withResolvers<void>());
  const works = gates.map((gate, index) => async () => {
    begun.push(index);
    await gate.promise;
    ended.push(index);
  });
  return { works, gates, begun, ended };
}

/** All that can go on without another gate has gone on. */
const settle = () => new Promise<void>((resolve) => void setImmediate(resolve));

test.each([
  { engine: 'server' as const, first: [0, 1], after: [0, 1, 2] },
  { engine: 'embedded' as const, first: [0], after: [0] },
])('a $engine store runs as many at a time as it has lanes', async ({ engine, first, after }) => {
  const { works, gates, begun, ended } = makeWorks(3);
  const all = sideBySide(storeOf(engine), works);
  await settle();
  expect(begun).toEqual(first);
  gates[1]?.resolve();
  await settle();
  expect(begun).toEqual(after);
  for (const { resolve } of gates) resolve();
  await all;
  expect(ended.toSorted((left, right) => left - right)).toEqual([0, 1, 2]);
});

test('a failure is told when nothing is under way any more', async () => {
  const { works, gates, ended } = makeWorks(2);
  let told = false;
  const all = sideBySide(storeOf('server'), works);
  const caught = all.catch((error: unknown) => {
    told = true;
    return error;
  });
  gates[0]?.reject(new Error('broken'));
  await settle();
  expect(told).toBe(false);
  gates[1]?.resolve();
  expect(await caught).toEqual(new Error('broken'));
  expect(ended).toEqual([1]);
});
