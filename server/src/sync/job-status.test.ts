import { expect, test } from 'vitest';
import { emptyStatistics } from '@lockstep/contract/job.ts';
import { jobStatus } from './job-status.ts';

const fine = {
  dry: false,
  brokeOff: false,
  cancelled: false,
  incomplete: false,
  held: false,
  statistics: emptyStatistics(),
};

test('only a job that read everything and in which nothing failed is a success', () => {
  const one = { total: 1, success: 0, failed: 1, skipped: 0 };
  const failed = { ...emptyStatistics(), group: { ...emptyStatistics().group, created: one } };
  const same = { ...failed.user, same: { total: 2, success: 2, failed: 0, skipped: 0 } };
  expect(jobStatus(fine)).toBe('success');
  expect(jobStatus({ ...fine, incomplete: true })).toBe('partial_success');
  expect(jobStatus({ ...fine, statistics: failed })).toBe('failed');
  expect(jobStatus({ ...fine, statistics: { ...failed, user: same } })).toBe('partial_success');
  expect(jobStatus({ ...fine, dry: true, statistics: failed })).toBe('failed');
  expect(jobStatus({ ...fine, held: true, incomplete: true })).toBe('held');
  expect(jobStatus({ ...fine, brokeOff: true, held: true })).toBe('failed');
  expect(jobStatus({ ...fine, cancelled: true, brokeOff: true })).toBe('cancelled');
});
