import { expect, test } from 'vitest';
import { openLog } from './log.ts';
import { recurringErrors } from './recurring-errors.ts';

function setUp() {
  const lines: string[] = [];
  let now = 0;
  const log = openLog('info', { write: (line) => void lines.push(line) });
  const report = recurringErrors(log, { now: () => new Date(now) });
  return {
    at(seconds: number, message: string) {
      now = seconds * 1000;
      report(new Error(message));
    },
    logged: () => lines.map((line) => JSON.parse(line) as { err: { message: string }; repeated?: number }),
  };
}

test('an error that recurs is logged once a minute, with how often it came', () => {
  const { at, logged } = setUp();
  for (let second = 0; second < 120; second += 1) at(second, 'connect ECONNREFUSED');
  at(200, 'connect ECONNREFUSED');
  expect(logged().map(({ err, repeated }) => [err.message, repeated])).toEqual([
    ['connect ECONNREFUSED', undefined],
    ['connect ECONNREFUSED', 59],
    ['connect ECONNREFUSED', 59],
  ]);
});

test('another error is logged at once, and none is forgotten when the clock goes back', () => {
  const { at, logged } = setUp();
  at(100, 'a');
  at(101, 'b');
  at(50, 'a');
  expect(logged().map(({ err }) => err.message)).toEqual(['a', 'b', 'a']);
});

test('texts that never recur are not all remembered', () => {
  const { at, logged } = setUp();
  for (let index = 0; index <= 100; index += 1) at(0, `request ${index}`);
  at(1, 'request 0');
  at(1, 'request 100');
  expect(logged()).toHaveLength(102);
});
