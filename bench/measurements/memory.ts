import type { SyncRun } from '../programs/lockstep.ts';
import { count, megabytes, type Line } from '../table.ts';

const limitBytes = 400e6;

type Runs = readonly { readonly name: string; readonly run: SyncRun }[];

/** The largest of all runs with one size of directory. An embedded store counts, so nothing is judged there. */
export function peakLine(users: number, runs: Runs, store: 'server' | 'embedded'): Line {
  const highest = runs.toSorted((left, right) => right.run.peakBytes - left.run.peakBytes)[0];
  if (highest === undefined) throw new Error('nothing was run');
  const { name, run } = highest;
  const line = {
    what: `Peak memory with ${count(users)} users (${name})`,
    ours: megabytes(run.peakBytes),
  };
  if (store === 'embedded') return { ...line, yardstick: 'embedded store included' };
  return {
    ...line,
    yardstick: megabytes(limitBytes),
    ratio: run.peakBytes / limitBytes,
    target: { limit: 1, sense: 'atMost' },
  };
}

/** Whether the same run takes more memory with more users. */
export function growthLine(
  fewer: { users: number; run: SyncRun },
  more: { users: number; run: SyncRun },
): Line {
  return {
    what: `Peak memory of a first ingress of ${count(more.users)} users`,
    ours: megabytes(more.run.peakBytes),
    yardstick: `of ${count(fewer.users)}: ${megabytes(fewer.run.peakBytes)}`,
    ratio: more.run.peakBytes / fewer.run.peakBytes,
    target: { limit: 1.25, sense: 'atMost' },
  };
}
