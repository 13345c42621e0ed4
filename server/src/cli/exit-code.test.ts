import { emptyStatistics } from '@lockstep/contract/job.ts';
import type { JobStatus, Kind, Operation, Statistics } from '@lockstep/contract/vocabulary.ts';
import { expect, test } from 'vitest';
import { combineExitCodes, exitCodeOfJob } from './exit-code.ts';

function statisticsWith(kind: Kind, operation: Operation): Statistics {
  const statistics = emptyStatistics();
  statistics[kind][operation] = { total: 1, success: 0, failed: 0, skipped: 1 };
  return statistics;
}

test.each<[JobStatus, number]>([
  ['success', 0],
  ['failed', 1],
  ['cancelled', 1],
  ['partial_success', 3],
  ['held', 4],
])('a run that ends %s answers %i', (status, code) => {
  expect(exitCodeOfJob({ mode: 'apply', status, statistics: emptyStatistics(), error: null })).toBe(code);
});

test.each<[string, Statistics, number]>([
  ['nothing', emptyStatistics(), 0],
  ['same objects only', statisticsWith('user', 'same'), 0],
  ['a create', statisticsWith('user', 'created'), 2],
  ['a membership to remove', statisticsWith('membership', 'deleted'), 2],
  ['an object to bind', statisticsWith('group', 'binded'), 2],
])('a dry run that finds %s', (_, statistics, code) => {
  expect(exitCodeOfJob({ mode: 'dryRun', status: 'success', statistics, error: null })).toBe(code);
});

test('a dry run in which there is nothing but conflicts finds differences', () => {
  const statistics = statisticsWith('user', 'binded');
  expect(exitCodeOfJob({ mode: 'dryRun', status: 'failed', statistics, error: null })).toBe(2);
});

test('a dry run that broke off fails', () => {
  const error = { code: 'ConnectionFailed', message: 'refused' };
  expect(exitCodeOfJob({ mode: 'dryRun', status: 'failed', statistics: emptyStatistics(), error })).toBe(1);
});

test('of several the first of 1, 4, 3, 0 counts', () => {
  expect(combineExitCodes([0, 3, 4, 1])).toBe(1);
  expect(combineExitCodes([0, 3, 4])).toBe(4);
  expect(combineExitCodes([0, 3, 0])).toBe(3);
  expect(combineExitCodes([0, 2])).toBe(2);
  expect(combineExitCodes([])).toBe(0);
});
