import type { JobView } from '@lockstep/contract/job.ts';
import { describe, expect, test } from 'vitest';
import type { JobSelection } from '../sync/selection.ts';
import { isSameRun } from './requested-run.ts';

function job(mode: JobView['mode'], selection: JobSelection | null): JobView {
  return { mode, selection, undoesJobId: null } as JobView;
}

describe('a job under way does exactly what is asked for', () => {
  test.each<[string, JobView, JobSelection | undefined, boolean]>([
    ['everything, of everything', job('apply', null), undefined, true],
    ['everything, while a part runs', job('apply', { userIds: ['a'] }), undefined, false],
    ['a part, while everything runs', job('apply', null), { userIds: ['a'] }, false],
    ['the same part', job('apply', { userIds: ['a', 'b'] }), { userIds: ['b', 'a'], groupIds: [] }, true],
    ['a smaller part', job('apply', { userIds: ['a', 'b'] }), { userIds: ['b'] }, false],
    ['another part', job('apply', { userIds: ['a'] }), { groupIds: ['a'] }, false],
    ['everything, while a preview runs', job('dryRun', null), undefined, false],
    ['everything, while a held plan is applied', job('approve', null), undefined, false],
    ['everything, while a job is undone', { ...job('apply', null), undoesJobId: 'sync_1' }, undefined, false],
  ])('%s', (_, underWay, selection, same) => {
    expect(isSameRun(underWay, { mode: 'apply', selection })).toBe(same);
  });
});
