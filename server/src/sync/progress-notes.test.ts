import { expect, test } from 'vitest';
import { ProgressNotes } from './progress-notes.ts';
import type { PlanProgress, RunnableJob } from './sync-store.ts';

const job = { id: 'sync_1', serial: 1 } as RunnableJob;

test('progress is noted at once, then twice a second, and when the read ends with the count of all', async () => {
  const noted: PlanProgress[] = [];
  let now = 0;
  const notes = new ProgressNotes(
    {
      noteProgress: async (_, progress) => {
        noted.push(progress);
      },
    },
    job,
    () => now,
  );
  await notes.reading(1000);
  now = 499;
  await notes.reading(2000);
  now = 500;
  await notes.reading(3000);
  now = 600;
  await notes.reading(3500);
  await notes.readEnded();
  await notes.planning(10);
  now = 1100;
  await notes.planning(20);
  expect(noted).toEqual([
    { phase: 'read', read: 1000, planned: 0 },
    { phase: 'read', read: 3000, planned: 0 },
    { phase: 'plan', read: 3500, planned: 0 },
    { phase: 'plan', read: 3500, planned: 20 },
  ]);
});
