import { createHash } from 'node:crypto';
import type { ScheduleConfiguration } from '@lockstep/contract/configuration.ts';
import { closestName } from '../kernel/closest-name.ts';
import { LockstepError } from '../kernel/errors.ts';
import { hasAnyDay, parseCron } from './schedule-cron.ts';
import type { CronFields } from './schedule-cron.ts';
import { matchingDays } from './schedule-days.ts';
import { stretches, zoneOffset } from './schedule-zone.ts';
import type { OffsetAt } from './schedule-zone.ts';

const second = 1000;
const hour = 3_600_000;
const day = 86_400_000;
/** A date that does not come within a century is not waited for. */
const yearsAhead = 100;

/** The second inside an hour at which a sync starts: spread over syncs, the same for one sync at all times. */
export function jitterSecond(seed: string): number {
  return createHash('sha256').update(seed).digest().readUInt32BE(0) % 3600;
}

function fieldsOf(schedule: ScheduleConfiguration, jitterSeed: string): CronFields {
  if ('cron' in schedule) return parseCron(schedule.cron);
  const jitter = jitterSecond(jitterSeed);
  const hours = [...new Set(schedule.hours)].sort((left, right) => left - right);
  return {
    seconds: [jitter % 60],
    minutes: [Math.floor(jitter / 60)],
    hours,
    everyHour: hours.length === 24,
    months: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    days: null,
    years: null,
  };
}

function offsetsOf(timeZone: string): OffsetAt {
  try {
    return zoneOffset(timeZone);
  } catch (error) {
    const meant = closestName(timeZone, Intl.supportedValuesOf('timeZone'));
    throw new LockstepError('InvalidSchedule', `time zone ${JSON.stringify(timeZone)} is not known`, {
      field: 'timeZone',
      remedy: meant === undefined ? 'Use a name like Europe/Berlin, or UTC.' : `Did you mean ${meant}?`,
      cause: error,
    });
  }
}

/**
 * The first time of day that matches, from `from` up to, not including, `to`, both on the wall clock of the day that
 * begins at `midnight`; undefined when there is none.
 */
function firstTime(cron: CronFields, midnight: number, from: number, to: number): number | undefined {
  for (const hours of cron.hours) {
    const atHour = midnight + hours * hour;
    if (atHour + hour <= from) continue;
    if (atHour >= to) return undefined;
    for (const minutes of cron.minutes) {
      const atMinute = atHour + minutes * 60 * second;
      if (atMinute + 60 * second <= from) continue;
      for (const seconds of cron.seconds) {
        const at = atMinute + seconds * second;
        if (at >= to) return undefined;
        if (at >= from) return at;
      }
    }
  }
  return undefined;
}

/** The first run later than `after` among those of one day of the calendar, given by its midnight on the wall clock. */
function firstRunOfDay(
  cron: CronFields,
  midnight: number,
  after: number,
  offsetAt: OffsetAt,
): number | undefined {
  // No zone is further than 14 hours from UTC; two more, so that no change lies on the edge.
  let shown: number | undefined;
  for (const { start, end, offset } of stretches(
    offsetAt,
    midnight - 16 * hour,
    midnight + day + 16 * hour,
  )) {
    const opens = start + offset;
    const gapFrom = Math.max(shown ?? opens, midnight);
    const gapTo = Math.min(opens, midnight + day);
    if (start > after && gapFrom < gapTo && firstTime(cron, midnight, gapFrom, gapTo) !== undefined)
      return start;
    const repeated = cron.everyHour ? opens : Math.max(opens, shown ?? opens);
    const from = Math.max(repeated, midnight, after + second + offset);
    const time = firstTime(cron, midnight, from, Math.min(end + offset, midnight + day));
    if (time !== undefined) return time - offset;
    shown = Math.max(shown ?? 0, end + offset);
  }
  return undefined;
}

function searchRun(cron: CronFields, after: number, offsetAt: OffsetAt): number | undefined {
  const today = new Date(after + offsetAt(after));
  const firstYear = today.getUTCFullYear();
  const firstMidnight = Date.UTC(firstYear, today.getUTCMonth(), today.getUTCDate());
  const lastYear = cron.years?.at(-1) ?? firstYear + yearsAhead;
  for (let year = firstYear; year <= lastYear; year += 1) {
    if (cron.years !== null && !cron.years.includes(year)) continue;
    for (const month of cron.months) {
      if (Date.UTC(year, month, 1) <= firstMidnight) continue;
      for (const dayOfMonth of matchingDays(cron.days, year, month)) {
        const midnight = Date.UTC(year, month - 1, dayOfMonth);
        if (midnight < firstMidnight) continue;
        const run = firstRunOfDay(cron, midnight, after, offsetAt);
        if (run !== undefined) return run;
      }
    }
  }
  return undefined;
}

/**
 * The next run of a schedule, strictly later than `after`; null when there is none any more.
 *
 * In the time zone of the schedule. A time that the clocks skip in spring runs at the moment of the change; several of
 * them run once. A time that the clocks show twice in autumn runs the first time only, except where the schedule names
 * all hours (`*`, `0/1`), which means every hour that passes.
 * @param jitterSeed what spreads runs given by hours inside their hour: the id of the sync.
 * @throws LockstepError InvalidSchedule.
 */
export function nextRun(schedule: ScheduleConfiguration, after: Date, jitterSeed: string): Date | null {
  const offsetAt = offsetsOf(schedule.timeZone);
  const from = Math.floor(after.getTime() / second) * second;
  const run = searchRun(fieldsOf(schedule, jitterSeed), from, offsetAt);
  return run === undefined ? null : new Date(run);
}

function refuseEmpty(schedule: ScheduleConfiguration): void {
  if (hasAnyDay(fieldsOf(schedule, ''))) return;
  throw new LockstepError('InvalidSchedule', 'cron: no month has such a day, so the sync would never run', {
    field: 'cron',
    position: { line: 1, column: 1 },
    remedy: 'Correct day-of-month, month or year.',
  });
}

/** All that is wrong with a schedule: its time zone and its expression, each by itself. */
export function scheduleFaults(schedule: ScheduleConfiguration): LockstepError[] {
  return [() => offsetsOf(schedule.timeZone), () => refuseEmpty(schedule)].flatMap((check) => {
    try {
      check();
      return [];
    } catch (error) {
      if (error instanceof LockstepError) return [error];
      throw error;
    }
  });
}

/** Checks a schedule when it is saved. @throws LockstepError InvalidSchedule, also for a date that never comes. */
export function checkSchedule(schedule: ScheduleConfiguration): void {
  const [first] = scheduleFaults(schedule);
  if (first !== undefined) throw first;
}
