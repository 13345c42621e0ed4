import type { ScheduleConfiguration } from '@lockstep/contract/configuration.ts';
import { invalid } from './errors.ts';

/** Days of the week count from 0 for Sunday here, and from 1 in Quartz expressions. */
function shiftDays(field: string, by: 1 | -1): string {
  return field
    .split(',')
    .map((part) => {
      const [days = '', ...step] = part.split('/');
      const shifted = days.replaceAll(/\d+/g, (day) =>
        String(by === 1 ? (Number(day) % 7) + 1 : Number(day) - 1),
      );
      return [shifted, ...step].join('/');
    })
    .join(',');
}

/**
 * A crontab of five fields as a Quartz expression.
 * @throws AuthentikError 400 when it has another number of fields, or names days of the month and of the week.
 */
export function quartzOfCrontab(crontab: string): string {
  const [minute, hour, day, month, weekday, ...rest] = crontab.trim().split(/\s+/);
  if (weekday === undefined || rest.length > 0)
    throw invalid({ crontab: [`${crontab} is not a valid crontab`] });
  if (weekday === '*') return `0 ${minute} ${hour} ${day} ${month} ?`;
  if (day !== '*') throw invalid({ crontab: ['Days of the month and of the week cannot be combined.'] });
  return `0 ${minute} ${hour} ? ${month} ${shiftDays(weekday, 1)}`;
}

function plain(field: string | undefined): string {
  return field === undefined || field === '?' ? '*' : field;
}

/** A schedule as a crontab; hours without a minute of their own run at that of the next run. */
export function crontabOf(schedule: ScheduleConfiguration, nextRunAt: Date | null): string {
  if ('hours' in schedule) return `${nextRunAt?.getUTCMinutes() ?? 0} ${schedule.hours.join(',')} * * *`;
  const [, minute, hour, day, month, weekday = '*'] = schedule.cron.trim().split(/\s+/);
  return [plain(minute), plain(hour), plain(day), plain(month), shiftDays(plain(weekday), -1)].join(' ');
}
