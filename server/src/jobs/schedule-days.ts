/** Days of a month by a rule of the day-of-month or the day-of-week field. Weekdays count as in Quartz: 1 is Sunday. */
export type DayRule =
  | { readonly type: 'day'; readonly day: number }
  /** The last day, or the one that many days before it. */
  | { readonly type: 'last'; readonly before: number }
  /** The weekday (Monday to Friday) nearest to a day, within the month. */
  | { readonly type: 'nearestWeekday'; readonly to: { readonly day: number } | { readonly before: number } }
  | { readonly type: 'weekday'; readonly weekday: number }
  | { readonly type: 'lastWeekday'; readonly weekday: number }
  | { readonly type: 'nthWeekday'; readonly weekday: number; readonly nth: number };

export function daysInMonth(year: number, month: number): number {
  return new Date(Date.UTC(year, month, 0)).getUTCDate();
}

/** 1 is Sunday, 7 is Saturday. */
export function weekdayOf(year: number, month: number, day: number): number {
  return new Date(Date.UTC(year, month - 1, day)).getUTCDay() + 1;
}

function nearestWeekday(year: number, month: number, day: number, last: number): number {
  const weekday = weekdayOf(year, month, day);
  if (weekday === 7) return day === 1 ? day + 2 : day - 1;
  if (weekday === 1) return day === last ? day - 2 : day + 1;
  return day;
}

function allOf(year: number, month: number, weekday: number, last: number): number[] {
  const first = 1 + ((weekday - weekdayOf(year, month, 1) + 7) % 7);
  const days: number[] = [];
  for (let day = first; day <= last; day += 7) days.push(day);
  return days;
}

function daysOfRule(rule: DayRule, year: number, month: number): number[] {
  const last = daysInMonth(year, month);
  switch (rule.type) {
    case 'day':
      return [rule.day];
    case 'last':
      return [last - rule.before];
    case 'nearestWeekday': {
      const day = 'day' in rule.to ? rule.to.day : last - rule.to.before;
      return day < 1 || day > last ? [] : [nearestWeekday(year, month, day, last)];
    }
    case 'weekday':
      return allOf(year, month, rule.weekday, last);
    case 'lastWeekday':
      return allOf(year, month, rule.weekday, last).slice(-1);
    case 'nthWeekday':
      break;
  }
  return allOf(year, month, rule.weekday, last).slice(rule.nth - 1, rule.nth);
}

/** The days of a month that any of the rules names, ascending; all days when there are no rules. Month 1 is January. */
export function matchingDays(rules: readonly DayRule[] | null, year: number, month: number): number[] {
  const last = daysInMonth(year, month);
  if (rules === null) return Array.from({ length: last }, (_, index) => index + 1);
  const days = new Set(rules.flatMap((rule) => daysOfRule(rule, year, month)));
  return [...days].filter((day) => day >= 1 && day <= last).sort((left, right) => left - right);
}
