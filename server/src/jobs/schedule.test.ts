import { Cron } from 'croner';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LockstepError } from '../kernel/errors.ts';
import { checkSchedule, jitterSecond, nextRun } from './schedule.ts';

const berlin = 'Europe/Berlin';

function runs(cron: string, after: string, count: number, timeZone = 'UTC'): string[] {
  const found: string[] = [];
  let from: Date | null = new Date(after);
  while (found.length < count) {
    from = nextRun({ cron, timeZone }, from, 'seed');
    if (from === null) break;
    found.push(from.toISOString().replace('.000Z', 'Z'));
  }
  return found;
}
const days = (cron: string, after: string, count: number): string[] =>
  runs(cron, after, count).map((run) => run.slice(0, 10));

function refusal(cron: string): LockstepError {
  try {
    checkSchedule({ cron, timeZone: 'UTC' });
  } catch (error) {
    if (error instanceof LockstepError) return error;
    throw error;
  }
  throw new Error(`accepted: ${cron}`);
}

describe('elements of a Quartz expression', () => {
  it.each<[string, string[]]>([
    // The calendar of 2026: 1 January is a Thursday; 31 January, 28 February and 31 May lie on weekends.
    ['0 0 12 ? * 6#3', ['2026-01-16', '2026-02-20', '2026-03-20']],
    ['0 0 12 ? * FRI#5', ['2026-01-30', '2026-05-29', '2026-07-31']],
    ['0 0 12 ? * 6L', ['2026-01-30', '2026-02-27', '2026-03-27']],
    ['0 0 12 ? * FRIL', ['2026-01-30', '2026-02-27', '2026-03-27']],
    ['0 0 12 ? * L', ['2026-01-03', '2026-01-10', '2026-01-17']],
    ['0 0 12 ? * 1', ['2026-01-04', '2026-01-11', '2026-01-18']],
    ['0 0 12 ? * mon-fri', ['2026-01-01', '2026-01-02', '2026-01-05']],
    ['0 0 12 ? * FRI-MON', ['2026-01-02', '2026-01-03', '2026-01-04', '2026-01-05', '2026-01-09']],
    ['0 0 12 ? * 7-2', ['2026-01-03', '2026-01-04', '2026-01-05', '2026-01-10']],
    ['0 0 12 ? * 2,6L', ['2026-01-05', '2026-01-12', '2026-01-19', '2026-01-26', '2026-01-30']],
    ['0 0 12 ? * 2/2', ['2026-01-02', '2026-01-05', '2026-01-07', '2026-01-09']],
    ['0 0 12 L * ?', ['2026-01-31', '2026-02-28', '2026-03-31']],
    ['0 0 12 L-3 * ?', ['2026-01-28', '2026-02-25', '2026-03-28']],
    ['0 0 12 L-30 * ?', ['2026-01-01', '2026-03-01', '2026-05-01']],
    ['0 0 12 LW * ?', ['2026-01-30', '2026-02-27', '2026-03-31']],
    ['0 0 12 L-1W * ?', ['2026-01-30', '2026-02-27', '2026-03-30']],
    ['0 0 12 15W * ?', ['2026-01-15', '2026-02-16', '2026-03-16']],
    ['0 0 12 1W 2,3,8 ?', ['2026-02-02', '2026-03-02', '2026-08-03']],
    ['0 0 12 31W * ?', ['2026-01-30', '2026-03-31', '2026-05-29']],
    ['0 0 12 30W 5 ?', ['2026-05-29', '2027-05-31']],
    ['0 0 12 1,15,L * ?', ['2026-01-01', '2026-01-15', '2026-01-31', '2026-02-01']],
    ['0 0 12 29 2 ?', ['2028-02-29', '2032-02-29']],
    ['0 0 12 30-2 * ?', ['2026-01-01', '2026-01-02', '2026-01-30', '2026-01-31', '2026-02-01']],
    ['0 0 12 1 NOV-FEB ?', ['2026-01-01', '2026-02-01', '2026-11-01', '2026-12-01']],
    ['0 0 12 1 1 ? 2027-2031/2', ['2027-01-01', '2029-01-01', '2031-01-01']],
    ['0 0 12 1 1 ? 2099', ['2099-01-01']],
    ['0 0 12 1 1 ? 2020', []],
    ['0 0 12 1/10 2 ?', ['2026-02-01', '2026-02-11', '2026-02-21', '2027-02-01']],
    ['0 0 12 ? * *', ['2026-01-01', '2026-01-02']],
    ['0 0 12 * * *', ['2026-01-01', '2026-01-02']],
    ['0 0 12 * * MON', ['2026-01-05', '2026-01-12']],
  ])('%s', (cron, expected) => {
    expect(days(cron, '2026-01-01T00:00:00Z', Math.max(expected.length, 1))).toEqual(expected);
  });

  it.each<[string, string[]]>([
    ['0 45 1 * * ?', ['2026-01-02T01:45:00Z', '2026-01-03T01:45:00Z']],
    ['*/20 * * * * ?', ['2026-01-01T12:00:20Z', '2026-01-01T12:00:40Z', '2026-01-01T12:01:00Z']],
    [
      '0 5/25 12 * * ?',
      ['2026-01-01T12:05:00Z', '2026-01-01T12:30:00Z', '2026-01-01T12:55:00Z', '2026-01-02T12:05:00Z'],
    ],
    ['0 /30 13 * * ?', ['2026-01-01T13:00:00Z', '2026-01-01T13:30:00Z']],
    [
      '0 0 22-2/2 * * ?',
      ['2026-01-01T22:00:00Z', '2026-01-02T00:00:00Z', '2026-01-02T02:00:00Z', '2026-01-02T22:00:00Z'],
    ],
    ['5,10 0 0 1 1 ? 2027', ['2027-01-01T00:00:05Z', '2027-01-01T00:00:10Z']],
  ])('%s', (cron, expected) => {
    expect(runs(cron, '2026-01-01T12:00:00Z', expected.length)).toEqual(expected);
  });

  it('gives a run strictly later than the moment asked for', () => {
    expect(runs('0 0 12 * * ?', '2026-01-01T11:59:59.999Z', 1)).toEqual(['2026-01-01T12:00:00Z']);
    expect(runs('0 0 12 * * ?', '2026-01-01T12:00:00.000Z', 1)).toEqual(['2026-01-02T12:00:00Z']);
    expect(runs('0 0 12 * * ?', '2026-01-01T12:00:00.001Z', 1)).toEqual(['2026-01-02T12:00:00Z']);
  });
});

describe('changes of the clock', () => {
  it('runs a time that is skipped in spring at the moment of the change', () => {
    expect(runs('0 30 2 * * ?', '2026-03-28T12:00:00Z', 2, berlin)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-30T00:30:00Z',
    ]);
  });

  it('runs several skipped times once', () => {
    expect(runs('0 0/15 2,3 * * ?', '2026-03-28T12:00:00Z', 3, berlin)).toEqual([
      '2026-03-29T01:00:00Z',
      '2026-03-29T01:15:00Z',
      '2026-03-29T01:30:00Z',
    ]);
  });

  it('runs a time that is shown twice in autumn the first time only', () => {
    expect(runs('0 30 2 * * ?', '2026-10-24T12:00:00Z', 2, berlin)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-26T01:30:00Z',
    ]);
    expect(runs('0 0/30 2-3 * * ?', '2026-10-25T00:00:00Z', 3, berlin)).toEqual([
      '2026-10-25T00:30:00Z',
      '2026-10-25T02:00:00Z',
      '2026-10-25T02:30:00Z',
    ]);
  });

  it.each(['*', '0/1', '0-23', '*/1'])('runs every hour that passes when the hour field is %s', (hours) => {
    expect(runs(`0 30 ${hours} * * ?`, '2026-10-24T23:00:00Z', 4, berlin)).toEqual([
      '2026-10-24T23:30:00Z',
      '2026-10-25T00:30:00Z',
      '2026-10-25T01:30:00Z',
      '2026-10-25T02:30:00Z',
    ]);
    expect(runs('0 30 * * * ?', '2026-03-29T00:00:00Z', 2, berlin)).toEqual([
      '2026-03-29T00:30:00Z',
      '2026-03-29T01:00:00Z',
    ]);
  });

  it('handles midnight that is skipped, half hours, and a day that never was', () => {
    expect(runs('0 0 0 * * ?', '2026-04-23T12:00:00Z', 1, 'Africa/Cairo')).toEqual(['2026-04-23T22:00:00Z']);
    expect(runs('0 15 2 * * ?', '2026-10-03T00:00:00Z', 2, 'Australia/Lord_Howe')).toEqual([
      '2026-10-03T15:30:00Z',
      '2026-10-04T15:15:00Z',
    ]);
    expect(runs('0 0 12 * * ?', '2011-12-29T12:00:00Z', 2, 'Pacific/Apia')).toEqual([
      '2011-12-29T22:00:00Z',
      '2011-12-30T10:00:00Z',
    ]);
  });
});

describe('refused', () => {
  it.each<[string, RegExp, number, RegExp]>([
    ['30 2 * * *', /5 fields/, 1, /Put the second first: "0 30 2/],
    ['@daily', /1 fields/, 1, /@daily is/],
    ['', /0 fields/, 1, /six or seven/],
    ['0 0 12 ? * ?', /day-of-week.*already/, 12, /Write `\*`/],
    ['0 0 12 15 * MON', /restricted already/, 13, /two syncs/],
    ['0 60 12 * * ?', /minutes field, column 3: 60 is out of range/, 3, /0 to 59/],
    ['0 0 24 * * ?', /hours field/, 5, /0 to 23/],
    ['0 0 12 0 * ?', /day-of-month/, 8, /1 to 31/],
    ['0 0 12 ? * 0', /day-of-week/, 12, /1 \(Sunday\)/],
    ['0 0 12 ? * 8', /day-of-week/, 12, /7 \(Saturday\)/],
    ['0 0 12 ? * MOON', /"MOON" is not understood/, 12, /SUN to SAT/],
    ['0 0 12 ? 13 *', /month field/, 10, /JAN to DEC/],
    ['0 0 12 1,,3 * ?', /empty/, 10, /comma/],
    ['0 0 12 1-5W * ?', /after a range/, 8, /single day/],
    ['0 0 12 5L * ?', /"5L"/, 8, /L-3W/],
    ['0 0 12 L-31 * ?', /out of range/, 8, /L-30/],
    ['0 0 12 ? * 6#6', /week/, 12, /#5/],
    ['0 0 12 ? * MON-FRI#2', /not understood/, 12, /SUN/],
    ['0 0 12 ? * 5W', /not understood/, 12, /6L/],
    ['0 0 ? * * *', /does not belong here/, 5, /`\*`/],
    ['0 0 L * * ?', /`L` does not belong here/, 5, /0 to 23/],
    ['0 0 12 5C * ?', /calendar/, 8, /C away/],
    ['0 */0 12 * * ?', /no step/, 3, /1 to 59/],
    ['0 */60 12 * * ?', /no step/, 3, /1 to 59/],
    ['0 1-2-3 12 * * ?', /two ends/, 3, /a-b/],
    ['0 0/5/5 12 * * ?', /two steps/, 3, /one step/],
    ['0 0 12 1 1 ? 2030-2028', /ends before/, 14, /1970/],
    ['0 -5 12 * * ?', /not understood/, 3, /0 to 59/],
    ['0 0 12 30 2 ?', /never run/, 1, /Correct/],
    ['0 0 12 31W 2,4 ?', /never run/, 1, /Correct/],
    ['0 0 12 29 2 ? 2027', /never run/, 1, /Correct/],
  ])('%s', (cron, message, column, remedy) => {
    const error = refusal(cron);
    expect(error.code).toBe('InvalidSchedule');
    expect(error.message).toMatch(message);
    expect(error.position).toEqual({ line: 1, column });
    expect(error.remedy).toMatch(remedy);
  });

  it('an unknown time zone, with the one that was meant', () => {
    expect(() => checkSchedule({ hours: [3], timeZone: 'Europe/Berln' })).toThrow(
      expect.objectContaining({
        message: 'time zone "Europe/Berln" is not known',
        field: 'timeZone',
        remedy: 'Did you mean Europe/Berlin?',
      }),
    );
  });

  it('whatever is no expression, by a LockstepError', () => {
    const pieces = fc.constantFrom(
      '0',
      '5',
      '*',
      '?',
      'L',
      'W',
      '#',
      '-',
      '/',
      ',',
      'MON',
      'JAN',
      '99',
      ' ',
      '2030',
      'x',
    );
    fc.assert(
      fc.property(fc.array(pieces, { maxLength: 20 }), (parts) => {
        try {
          checkSchedule({ cron: parts.join(''), timeZone: 'UTC' });
        } catch (error) {
          expect(error).toBeInstanceOf(LockstepError);
        }
      }),
      { numRuns: 3000 },
    );
  });
});

describe('hours of the day', () => {
  it('starts inside the hour, always at the same moment for one sync and spread over syncs', () => {
    const schedule = { hours: [22, 3], timeZone: berlin };
    const first = nextRun(schedule, new Date('2026-01-01T12:00:00Z'), 'sync-a') as Date;
    const second = nextRun(schedule, first, 'sync-a') as Date;
    const third = nextRun(schedule, second, 'sync-a') as Date;
    const jitter = jitterSecond('sync-a') * 1000;
    expect(first.getTime()).toBe(Date.parse('2026-01-01T21:00:00Z') + jitter);
    expect(second.getTime()).toBe(Date.parse('2026-01-02T02:00:00Z') + jitter);
    expect(third.getTime()).toBe(Date.parse('2026-01-02T21:00:00Z') + jitter);
    const spread = new Set(
      Array.from({ length: 1000 }, (_, index) => Math.floor(jitterSecond(`sync-${index}`) / 60)),
    );
    expect(spread.size).toBe(60);
  });
});

// croner understands a part of Quartz: on that part both must agree.
const number = (min: number, max: number): fc.Arbitrary<string> => fc.integer({ min, max }).map(String);
const listOf = (min: number, max: number): fc.Arbitrary<string> =>
  fc.oneof(
    fc.constant('*'),
    fc.array(number(min, max), { minLength: 1, maxLength: 3 }).map((list) => list.join(',')),
    fc
      .tuple(fc.integer({ min, max }), fc.integer({ min, max }))
      .map((ends) => `${Math.min(...ends)}-${Math.max(...ends)}`),
    fc
      .tuple(number(min, max), number(1, Math.floor((max - min) / 2)))
      .map(([from, step]) => `${from}/${step}`),
  );
const dayFields = fc.oneof(
  fc.tuple(fc.oneof(listOf(1, 31), fc.constantFrom('L', 'LW', '1W', '15W', '31W')), fc.constant('?')),
  fc.tuple(
    fc.constant('?'),
    fc.oneof(listOf(1, 7), fc.constantFrom('2L', 'FRIL', '3#2', 'MON#5', 'TUE-SAT')),
  ),
);
const expressions = fc
  .tuple(listOf(0, 59), listOf(0, 59), listOf(0, 23), dayFields, listOf(1, 12))
  .map(
    ([second, minute, hour, [ofMonth, ofWeek], month]) =>
      `${second} ${minute} ${hour} ${ofMonth} ${month} ${ofWeek}`,
  );
const moments = fc.date({
  min: new Date('2024-01-01T00:00:00Z'),
  max: new Date('2030-01-01T00:00:00Z'),
  noInvalidDate: true,
});

describe('laws', () => {
  it('agrees with another implementation where the clock does not change', () => {
    fc.assert(
      fc.property(expressions, moments, (cron, after) => {
        const other = new Cron(cron, {
          alternativeWeekdays: true,
          sloppyRanges: true,
          timezone: 'UTC',
          paused: true,
        });
        expect(nextRun({ cron, timeZone: 'UTC' }, after, '')).toEqual(other.nextRun(after));
      }),
      { numRuns: 1000 },
    );
  });

  it('is later, and the first: from any moment before it, it comes next', () => {
    const zones = fc.constantFrom(
      'UTC',
      berlin,
      'America/New_York',
      'Asia/Kolkata',
      'Australia/Lord_Howe',
      'Pacific/Apia',
    );
    fc.assert(
      fc.property(
        expressions,
        moments,
        zones,
        fc.double({ min: 0, max: 1, noNaN: true }),
        (cron, after, timeZone, part) => {
          const run = nextRun({ cron, timeZone }, after, '');
          if (run === null) return;
          expect(run.getTime()).toBeGreaterThan(after.getTime());
          const between = new Date(
            after.getTime() + Math.floor((run.getTime() - after.getTime() - 1) * part),
          );
          expect(nextRun({ cron, timeZone }, between, '')).toEqual(run);
        },
      ),
      { numRuns: 500 },
    );
  });
});
