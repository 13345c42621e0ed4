import { expect, test } from 'vitest';
import { crontabOf, quartzOfCrontab } from './crontab.ts';

test.each([
  ['5 */4 * * *', '0 5 */4 * * ?'],
  ['0 3 1 * *', '0 0 3 1 * ?'],
  ['0 3 * * 1-5', '0 0 3 ? * 2-6'],
  ['0 3 * * 0,6', '0 0 3 ? * 1,7'],
])('%s is %s', (crontab, quartz) => {
  expect(quartzOfCrontab(crontab)).toBe(quartz);
  expect(crontabOf({ cron: quartz, timeZone: 'UTC' }, null)).toBe(crontab);
});

test('Sunday may be 7, hours have the minute of the next run, and nonsense is refused', () => {
  expect(quartzOfCrontab('0 3 * * 7')).toBe('0 0 3 ? * 1');
  expect(crontabOf({ hours: [4, 8], timeZone: 'UTC' }, new Date('2026-01-01T04:17:00Z'))).toBe(
    '17 4,8 * * *',
  );
  for (const text of ['', '* * * *', '0 0 1 * 1', '* * * * * *'])
    expect(() => quartzOfCrontab(text)).toThrow();
});
