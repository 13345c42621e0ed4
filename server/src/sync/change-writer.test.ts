import { expect, test } from 'vitest';
import { ChangeWriter } from './change-writer.ts';
import type { PlannedChange } from './planned-change.ts';
import type { ProgressNotes } from './progress-notes.ts';
import type { Staging } from './sync-store.ts';

/** A store whose batches are written when the test says so. */
function slowStaging() {
  const ordinals: number[] = [];
  const underWay: PromiseWithResolvers<void>[] = [];
  let most = 0;
  const staging = {
    planChange: (ordinal: number) => ordinals.push(ordinal),
    writeChanges: () => {
      const written = Promise.withResolvers<void>();
      underWay.push(written);
      most = Math.max(most, underWay.length);
      return written.promise.finally(() => underWay.splice(underWay.indexOf(written), 1));
    },
  } as unknown as Staging;
  const progress = { planning: () => Promise.resolve() } as unknown as ProgressNotes;
  const writer = new ChangeWriter(staging, progress);
  return { writer, ordinals, underWay, most: () => most };
}

const changes = (count: number): PlannedChange[] =>
  Array.from({ length: count }, () => ({
    kind: 'user',
    verb: 'create',
    objectId: null,
    externalId: null,
    label: 'a',
  }));

/** Whether it settles though no more batches are written. */
async function settles(promise: Promise<unknown>): Promise<boolean> {
  const late = new Promise((resolve) => setTimeout(resolve, 20, 'late'));
  return (await Promise.race([promise.catch(() => 'rejected'), late])) !== 'late';
}

test('two batches are written at a time, and the third waits for the first', async () => {
  const { writer, ordinals, underWay, most } = slowStaging();
  await writer.write(changes(2000));
  await writer.write(changes(2000));
  const third = writer.write(changes(2000));
  expect(await settles(third)).toBe(false);
  underWay[0]?.resolve();
  await third;
  const flushed = writer.flush();
  expect(await settles(flushed)).toBe(false);
  for (const { resolve } of underWay) resolve();
  await flushed;
  expect(most()).toBe(2);
  expect(writer.last).toBe(6000);
  expect(ordinals).toEqual(Array.from({ length: 6000 }, (_, index) => index + 1));
});

test('a batch that fails is heard of by who ships or flushes next, and disposing waits for the others', async () => {
  const { writer, underWay } = slowStaging();
  await writer.write(changes(2000));
  await writer.write(changes(2000));
  underWay[0]?.reject(new Error('refused'));
  await expect(writer.flush()).rejects.toThrow('refused');
  const disposed = writer[Symbol.asyncDispose]();
  expect(await settles(disposed)).toBe(false);
  underWay[0]?.reject(new Error('refused too'));
  await disposed;
});

test('what is set aside has its numbers at once; to finish waits for it, and disposing does', async () => {
  const { writer, ordinals, underWay } = slowStaging();
  const aside = Promise.withResolvers<void>();
  const firsts: number[] = [];
  writer.setAside(500, (first) => {
    firsts.push(first);
    return aside.promise;
  });
  await writer.hand((first) => Promise.resolve(first + 9));
  await writer.write(changes(1));
  expect([firsts, ordinals, writer.last]).toEqual([[1], [511], 511]);
  const flushed = writer.flush();
  underWay[0]?.resolve();
  await flushed;
  const ends = [writer.finish(), writer[Symbol.asyncDispose]()];
  for (const end of ends) expect(await settles(end)).toBe(false);
  aside.reject(new Error('refused'));
  await expect(ends[0]).rejects.toThrow('refused');
  await ends[1];
});
