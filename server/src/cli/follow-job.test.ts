import type { JobView } from '@lockstep/contract/job.ts';
import { emptyStatistics } from '@lockstep/contract/job.ts';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { followJob, runSync, type AskedRun } from './follow-job.ts';

function makeJob(id: string, differing: Partial<JobView>): JobView {
  const job = { id, sync: 'corp-in', mode: 'apply', status: 'success', selection: null, changesOnly: false };
  const plain = { ...job, undoesJobId: null, createdAt: '2030-01-02T00:00:00.000Z' };
  return { ...plain, statistics: emptyStatistics(), ...differing } as JobView;
}

const later = '2030-01-02T00:00:00.001Z';

/** When sync and connection were saved. */
const saved = { getSync: '2030-01-01T00:00:00.000Z', getConnection: '2030-01-01T00:00:00.000Z' };

/** Runs against a server where one job is under way; the next request finds none and makes a new one. */
async function runBeside(underWay: Partial<JobView>, asked: AskedRun, times = saved) {
  const jobs = [makeJob('before', underWay), makeJob('new', { mode: asked.mode })];
  const lines: string[] = [];
  const requests: unknown[] = [];
  let followed = 0;
  const session = {
    call: (id: string, call: unknown) => {
      if (id === 'getSync' || id === 'getConnection') return Promise.resolve({ updatedAt: times[id] });
      requests.push(call);
      return Promise.resolve({ job: jobs[followed], created: followed > 0 });
    },
    client: {
      async *events() {
        await Promise.resolve();
        yield { id: 'end', event: 'end', data: jobs[followed++] };
      },
    },
  };
  const reporter = { update: () => {}, line: (text: string) => lines.push(text), clear: () => {} };
  const ended = await runSync(session as never, 'corp-in', asked, reporter);
  return { ended, lines, requests };
}

describe('a run that is asked for while another job is under way', () => {
  it('is that job if it does what is asked for', async () => {
    const { ended, requests } = await runBeside({}, { mode: 'apply' });
    expect(ended).toMatchObject({ created: false, job: { id: 'before' } });
    expect(requests).toEqual([{ params: { sync: 'corp-in' }, body: { mode: 'apply' } }]);
  });

  it.each<[string, Partial<JobView>, AskedRun, string]>([
    ['a preview', { mode: 'dryRun' }, { mode: 'apply' }, ' (dryRun)'],
    ['an undo', { undoesJobId: 'older' }, { mode: 'apply' }, ' (undo of older)'],
    ['an approval', { mode: 'approve' }, { mode: 'apply' }, ' (approve)'],
    [
      'a run of some objects',
      { selection: { userIds: ['u'] } },
      { mode: 'apply' },
      ', for some objects only',
    ],
    ['a run of changes', { changesOnly: true }, { mode: 'apply', full: true }, ''],
  ])('is a new job behind %s', async (_, underWay, asked, said) => {
    const { ended, lines, requests } = await runBeside(underWay, asked);
    expect(ended).toMatchObject({ created: true, job: { id: 'new' } });
    expect(lines).toEqual([`corp-in: job before is under way${said}`]);
    expect(requests).toHaveLength(2);
  });

  it.each<[string, Partial<JobView>, Partial<typeof saved>, string]>([
    ['a changed sync', {}, { getSync: later }, 'since before its settings were changed'],
    ['a changed connection', {}, { getConnection: later }, 'since before its settings were changed'],
    ['a cancelled job', { cancelRequested: true }, {}, 'and is being cancelled'],
  ])('is a new job after %s', async (_, underWay, times, said) => {
    const { ended, lines } = await runBeside(underWay, { mode: 'apply' }, { ...saved, ...times });
    expect(ended).toMatchObject({ created: true, job: { id: 'new' } });
    expect(lines).toEqual([`corp-in: job before is under way ${said}; a new one follows`]);
  });
});

it('a job is followed on when the database is started again meanwhile', async () => {
  const away = new LockstepError('StoreUnavailable', 'The database cannot be used');
  const job = makeJob('followed', {});
  let asked = 0;
  const session = {
    call: () => Promise.reject(away),
    reopen: () => Promise.reject(new Error('nothing to reopen')),
    client: {
      async *events(_id: string, after?: string) {
        await Promise.resolve();
        asked += 1;
        if (asked === 1) yield { id: '1', event: 'message', data: { level: 'info', text: '' } };
        // Its end is asked for, in vain; then the events are not there either.
        if (asked === 2) throw away;
        if (asked === 3) yield { id: 'end', event: 'end', data: { ...job, note: after ?? null } };
      },
    },
  };
  const lines: string[] = [];
  const reporter = { update: () => {}, line: (text: string) => lines.push(text), clear: () => {} };
  expect(await followJob(session as never, job, reporter)).toEqual({ ...job, note: '1' });
  expect(lines).toEqual(['corp-in: the database went away, waiting for it']);
});
