import { expect, test } from 'vitest';
import { countTests, renderTotals } from './test-summary.ts';

const file = (status: string, ...tests: string[]) => ({
  status,
  assertionResults: tests.map((state) => ({ status: state })),
});

test('passed, failed and skipped tests are counted', () => {
  const report = {
    testResults: [file('passed', 'passed', 'pending', 'todo'), file('failed', 'passed', 'failed')],
  };
  expect(countTests(report, 1)).toEqual({ passed: 2, failed: 1, skipped: 2 });
});

test('a file that cannot be imported counts as one failed', () => {
  expect(countTests({ testResults: [file('passed', 'passed'), file('failed')] }, 1)).toEqual({
    passed: 1,
    failed: 1,
    skipped: 0,
  });
});

test('an unhandled error after passing tests counts as one failed', () => {
  expect(countTests({ testResults: [file('passed', 'passed')] }, 1).failed).toBe(1);
});

test('a report that was never written counts as one failed', () => {
  expect(countTests(undefined, 0)).toEqual({ passed: 0, failed: 1, skipped: 0 });
});

test('skipped is named only when there are any', () => {
  expect(renderTotals({ passed: 3, failed: 0, skipped: 0 })).toBe('3 passed, 0 failed');
  expect(renderTotals({ passed: 3, failed: 0, skipped: 1 })).toBe('3 passed, 0 failed, 1 skipped');
});
