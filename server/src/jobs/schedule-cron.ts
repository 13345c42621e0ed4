import { LockstepError } from '../kernel/errors.ts';
import { matchingDays } from './schedule-days.ts';
import type { DayRule } from './schedule-days.ts';

/** A Quartz expression, parsed: sorted values of each field. */
export interface CronFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
  /** All hours, as by `*` or `0/1`: the schedule means every hour that passes, also one that the clock shows twice. */
  readonly everyHour: boolean;
  /** 1 is January. */
  readonly months: readonly number[];
  /** null: every day. */
  readonly days: readonly DayRule[] | null;
  /** null: every year. */
  readonly years: readonly number[] | null;
}

interface Field {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  readonly names?: readonly string[];
}

const monthNames = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const weekdayNames = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];
const fields = {
  seconds: { name: 'seconds', min: 0, max: 59 },
  minutes: { name: 'minutes', min: 0, max: 59 },
  hours: { name: 'hours', min: 0, max: 23 },
  dayOfMonth: { name: 'day-of-month', min: 1, max: 31 },
  month: { name: 'month', min: 1, max: 12, names: monthNames },
  dayOfWeek: { name: 'day-of-week', min: 1, max: 7, names: weekdayNames },
  year: { name: 'year', min: 1970, max: 2199 },
} as const satisfies Record<string, Field>;

/** One element of a comma list, with its place in the expression. */
interface Element {
  readonly text: string;
  readonly column: number;
  readonly field: Field;
}

function refuse(column: number, name: string, problem: string, remedy: string): LockstepError {
  return new LockstepError('InvalidSchedule', `cron, ${name} field, column ${column}: ${problem}`, {
    field: 'cron',
    position: { line: 1, column },
    remedy,
  });
}

const refuseElement = ({ column, field }: Element, problem: string, remedy: string): LockstepError =>
  refuse(column, field.name, problem, remedy);

function range({ field }: Element): string {
  const names = field.names === undefined ? '' : `, or ${field.names[0]} to ${field.names.at(-1)}`;
  return `Use ${field.min} to ${field.max}${names}.`;
}

function numberOf(element: Element, text: string): number {
  const { field } = element;
  const named = field.names?.indexOf(text) ?? -1;
  if (named >= 0) return field.min + named;
  if (!/^\d{1,4}$/.test(text)) {
    throw refuseElement(element, `${JSON.stringify(text)} is not understood`, range(element));
  }
  const value = Number(text);
  if (value >= field.min && value <= field.max) return value;
  const remedy =
    field === fields.dayOfWeek ? 'Days of the week count from 1 (Sunday) to 7 (Saturday).' : range(element);
  throw refuseElement(element, `${text} is out of range`, remedy);
}

function stepOf(element: Element, text: string | undefined): number {
  if (text === undefined) return 1;
  const most = element.field.max - element.field.min;
  const step = /^\d{1,4}$/.test(text) ? Number(text) : 0;
  if (step >= 1 && step <= most) return step;
  throw refuseElement(element, `the step ${JSON.stringify(text)} is no step`, `Use a step of 1 to ${most}.`);
}

/** `*`, `n`, `a-b`, each with an optional `/step`; a range may pass the end of its field (`22-2`, `FRI-MON`). */
function valuesOf(element: Element): number[] {
  const { field } = element;
  const [body = '', stepText, surplus] = element.text.split('/');
  if (surplus !== undefined) throw refuseElement(element, 'two steps', 'Write one step: 0/15.');
  const step = stepOf(element, stepText);
  const bounds = body.split('-');
  if (bounds.length > 2) throw refuseElement(element, 'a range has two ends', 'Write a-b.');
  let from: number = field.min;
  let to: number = field.max;
  if (body !== '*' && !(body === '' && stepText !== undefined)) {
    from = numberOf(element, bounds[0] ?? '');
    if (bounds[1] !== undefined) to = numberOf(element, bounds[1]);
    else if (stepText === undefined) to = from;
  }
  if (to < from && field === fields.year)
    throw refuseElement(element, 'the range ends before it begins', range(element));
  const size = field.max - field.min + 1;
  const end = to < from ? to + size : to;
  const values: number[] = [];
  for (let value = from; value <= end; value += step) values.push(((value - field.min) % size) + field.min);
  return values;
}

function elementsOf(text: string, column: number, field: Field): Element[] {
  let at = column;
  return text.split(',').map((part) => {
    const element = { text: part.toUpperCase(), column: at, field };
    at += part.length + 1;
    if (part === '') throw refuseElement(element, 'an element of the list is empty', 'Take one comma away.');
    return element;
  });
}

function refuseForeign(element: Element): void {
  const { text, field } = element;
  if (text.includes('?')) {
    throw refuseElement(
      element,
      '`?` does not belong here',
      'Use `*`; `?` is for one of day-of-month and day-of-week.',
    );
  }
  if (/\dC$|^C$/.test(text)) {
    throw refuseElement(
      element,
      '`C` needs a calendar of holidays, which there is none of',
      'Take the C away.',
    );
  }
  const special = /[LW#]/.exec(field.names === undefined ? text : text.replace(/[A-Z]{3}/, ''));
  if (special !== null && field !== fields.dayOfMonth && field !== fields.dayOfWeek) {
    throw refuseElement(element, `\`${special[0]}\` does not belong here`, range(element));
  }
}

function simpleField(text: string, column: number, field: Field): number[] {
  const values = new Set<number>();
  for (const element of elementsOf(text, column, field)) {
    refuseForeign(element);
    for (const value of valuesOf(element)) values.add(value);
  }
  return [...values].sort((left, right) => left - right);
}

function daysBeforeLast(element: Element, text: string | undefined): number {
  if (text === undefined) return 0;
  const before = Number(text);
  if (before >= 1 && before <= 30) return before;
  throw refuseElement(element, `L-${text} is out of range`, 'Use L-1 to L-30.');
}

function dayOfMonthRules(element: Element): DayRule[] {
  refuseForeign(element);
  const { text } = element;
  const last = /^L(?:-(\d+))?(W?)$/.exec(text);
  if (last !== null) {
    const before = daysBeforeLast(element, last[1]);
    return [last[2] === '' ? { type: 'last', before } : { type: 'nearestWeekday', to: { before } }];
  }
  if (text.endsWith('W') && text.length > 1) {
    if (/[-/]/.test(text))
      throw refuseElement(element, '`W` after a range', 'Write W after a single day: 15W.');
    return [{ type: 'nearestWeekday', to: { day: numberOf(element, text.slice(0, -1)) } }];
  }
  if (/[LW#]/.test(text)) {
    throw refuseElement(
      element,
      `${JSON.stringify(element.text)} is not understood`,
      'Use 15, 1-5, L, L-3, LW, L-3W or 15W.',
    );
  }
  return valuesOf(element).map((day) => ({ type: 'day', day }));
}

function nthWeekday(element: Element, name: string, nth: string): DayRule {
  const weekday = numberOf(element, name);
  if (/^[1-5]$/.test(nth)) return { type: 'nthWeekday', weekday, nth: Number(nth) };
  throw refuseElement(element, `a month has no ${JSON.stringify(nth)}th week`, 'Use #1 to #5.');
}

function dayOfWeekRules(element: Element): DayRule[] {
  refuseForeign(element);
  const { text } = element;
  // A lone L is the last day of the week in Quartz: Saturday, every week.
  if (text === 'L') return [{ type: 'weekday', weekday: 7 }];
  const [name = '', nth, surplus] = text.split('#');
  if (nth !== undefined && surplus === undefined) return [nthWeekday(element, name, nth)];
  const last = /^(\d+|[A-Z]{3})L$/.exec(text);
  if (last !== null) return [{ type: 'lastWeekday', weekday: numberOf(element, last[1] ?? '') }];
  if (/[W#]/.test(text.replace(/[A-Z]{3}/g, ''))) {
    throw refuseElement(
      element,
      `${JSON.stringify(text)} is not understood`,
      'Use 2, MON-FRI, 6L (the last Friday) or 6#3.',
    );
  }
  return valuesOf(element).map((weekday) => ({ type: 'weekday', weekday }));
}

interface Written {
  readonly text: string;
  readonly column: number;
}

function dayRules(ofMonth: Written, ofWeek: Written): DayRule[] | null {
  const open = (field: Written): boolean => field.text === '?' || field.text === '*';
  if (ofMonth.text === '?' && ofWeek.text === '?') {
    const remedy = 'Write `*` in day-of-month for every day.';
    throw refuse(ofWeek.column, 'day-of-week', '`?` stands in day-of-month already', remedy);
  }
  if (!open(ofMonth) && !open(ofWeek)) {
    const remedy = 'Write `?` in one of the two; make two syncs where both are meant.';
    throw refuse(ofWeek.column, 'day-of-week', 'day-of-month is restricted already', remedy);
  }
  if (!open(ofMonth)) {
    return elementsOf(ofMonth.text, ofMonth.column, fields.dayOfMonth).flatMap(dayOfMonthRules);
  }
  if (!open(ofWeek)) return elementsOf(ofWeek.text, ofWeek.column, fields.dayOfWeek).flatMap(dayOfWeekRules);
  return null;
}

function split(expression: string): Written[] {
  const written = [...expression.matchAll(/\S+/g)].map((match) => ({
    text: match[0],
    column: match.index + 1,
  }));
  if (written.length === 6 || written.length === 7) return written;
  const shown = expression.trim();
  let remedy = 'Write six or seven fields: second minute hour day-of-month month day-of-week [year].';
  if (shown.startsWith('@')) remedy = 'Write the fields out: @daily is "0 0 0 * * ?".';
  else if (written.length === 5) {
    remedy = `Put the second first: "0 ${shown}". Days of the week count from 1 (Sunday) to 7 (Saturday).`;
  }
  throw refuse(1, 'whole', `there are ${written.length} fields`, remedy);
}

/**
 * Parses a Quartz expression: second, minute, hour, day-of-month, month, day-of-week and, if given, year. On top of
 * Quartz, `*` is taken for `?` where the other day field decides, and lists may hold `L`, `W` and `#`.
 * @throws LockstepError InvalidSchedule with field and column.
 */
export function parseCron(expression: string): CronFields {
  const written = split(expression);
  const at = (index: number): Written => written[index] ?? { text: '*', column: 1 };
  const simple = (index: number, field: Field): number[] =>
    simpleField(at(index).text, at(index).column, field);
  const hours = simple(2, fields.hours);
  return {
    seconds: simple(0, fields.seconds),
    minutes: simple(1, fields.minutes),
    hours,
    everyHour: hours.length === 24,
    days: dayRules(at(3), at(5)),
    months: simple(4, fields.month),
    years: written.length === 7 && at(6).text !== '*' ? simple(6, fields.year) : null,
  };
}

/** Whether any day fits: every pairing of weekday and leap year occurs within 28 years of one century. */
export function hasAnyDay(cron: CronFields): boolean {
  const years = cron.years ?? Array.from({ length: 28 }, (_, index) => 2000 + index);
  return years.some((year) => cron.months.some((month) => matchingDays(cron.days, year, month).length > 0));
}
