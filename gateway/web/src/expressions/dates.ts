// Functions of dates and instants; the twin of functions/dates.py.

import { unitOf } from "./formats.js";
import { day, from, instant, number, type Run, text, whole } from "./run.js";
import type { Functions } from "./table.js";
import {
  civil,
  Day,
  dateFromText,
  dateOf,
  dayAt,
  daysIn,
  FIRST_DAY,
  Instant,
  LAST_DAY,
  partsOf,
  type Value,
  ZERO,
} from "./values.js";

const MONTHS: Readonly<Record<string, number>> = { month: 1, quarter: 3, year: 12 };
const DAYS: Readonly<Record<string, number>> = { day: 1, week: 7 };
const MINUTES: Readonly<Record<string, number>> = { minute: 1, hour: 60, day: 1440, week: 10_080 };
const SHIFT_MAX = 4_000_000;
const WORKDAYS_MAX = 10_000;
const MINUTE_MICROS = 60_000_000;
const DAY_MICROS = 1440 * MINUTE_MICROS;

/** Monday is 1, Sunday is 7; 1970-01-01 was a Thursday. */
function weekday(days: number): number {
  return ((((days + 3) % 7) + 7) % 7) + 1;
}

export function shiftDays(from_: Day, days: number): Day | null {
  return Math.abs(days) > SHIFT_MAX ? null : dayAt(from_.days + days);
}

function shiftMonths(from_: Day, months: number): Day | null {
  const { year, month, day: date } = partsOf(from_);
  const total = year * 12 + month - 1 + months;
  const [newYear, newMonth] = [Math.floor(total / 12), (((total % 12) + 12) % 12) + 1];
  if (newYear < 1 || newYear > 9999) return null;
  return new Day(civil(newYear, newMonth, Math.min(date, daysIn(newYear, newMonth))));
}

function shiftInstant(from_: Instant, minutes: number): Instant | null {
  const micros = from_.micros + minutes * MINUTE_MICROS;
  return micros >= FIRST_DAY * DAY_MICROS && micros < (LAST_DAY + 1) * DAY_MICROS
    ? new Instant(micros)
    : null;
}

function dateadd(value: Value, count: number, written: string): Value {
  const unit = unitOf(written);
  if (value instanceof Instant)
    return MINUTES[unit] === undefined ? null : shiftInstant(value, count * MINUTES[unit]);
  if (MONTHS[unit] !== undefined) return shiftMonths(day(value), count * MONTHS[unit]);
  return DAYS[unit] === undefined ? null : shiftDays(day(value), count * DAYS[unit]);
}

function datedif(start: Day, end: Day, written: string): Value {
  const unit = unitOf(written);
  const forward = end.days >= start.days;
  const [first, last] = forward ? [start, end] : [end, start];
  const span = spanOf(first, last, unit);
  return span === null ? null : from(forward ? span : -span);
}

function spanOf(first: Day, last: Day, unit: string): number | null {
  if (DAYS[unit] !== undefined) return Math.floor((last.days - first.days) / DAYS[unit]);
  if (MONTHS[unit] === undefined) return null;
  const [one, two] = [partsOf(first), partsOf(last)];
  const months = (two.year - one.year) * 12 + two.month - one.month - (two.day < one.day ? 1 : 0);
  return Math.floor(months / MONTHS[unit]);
}

function eomonth(from_: Day, months: number): Value {
  const moved = shiftMonths(from_, months);
  if (moved === null) return null;
  const { year, month } = partsOf(moved);
  return new Day(civil(year, month, daysIn(year, month)));
}

function isWorkday(run: Run, days: number): boolean {
  return run.workdays.has(days) || (weekday(days) < 6 && !run.holidays.has(days));
}

function networkdays(run: Run, start: Day, end: Day): Value {
  const forward = end.days >= start.days;
  const [first, last] = forward ? [start.days, end.days] : [end.days, start.days];
  const total = last - first + 1;
  let count = Math.floor(total / 7) * 5;
  for (let rest = 0; rest < total % 7; rest += 1) if (weekday(first + rest) < 6) count += 1;
  const inside = (days: number): boolean => days >= first && days <= last;
  for (const days of run.holidays)
    if (inside(days) && weekday(days) < 6 && !run.workdays.has(days)) count -= 1;
  for (const days of run.workdays) if (inside(days) && weekday(days) >= 6) count += 1;
  return from(forward ? count : -count);
}

function workday(run: Run, start: Day, count: number): Value {
  if (Math.abs(count) > WORKDAYS_MAX) return null;
  let { days } = start;
  for (let left = Math.abs(count); left > 0; ) {
    days += Math.sign(count);
    run.charge(1);
    if (days < FIRST_DAY || days > LAST_DAY) return null;
    if (isWorkday(run, days)) left -= 1;
  }
  return new Day(days);
}

const DAY_UNIT = "day";

export const DATES: Functions = {
  TODAY: { apply: (run) => run.today() },
  NOW: { apply: (run) => run.now() },
  DATE: { apply: (_, year, month, date) => dateOf(whole(year), whole(month), whole(date)) },
  DATEVALUE: {
    apply: (run, value = null) => (typeof value === "string" ? dateFromText(value) : run.dayOf(value)),
  },
  YEAR: { apply: (run, value = null) => from(run.parts(value).year) },
  QUARTER: { apply: (run, value = null) => from(Math.floor((run.parts(value).month + 2) / 3)) },
  MONTH: { apply: (run, value = null) => from(run.parts(value).month) },
  DAY: { apply: (run, value = null) => from(run.parts(value).day) },
  HOUR: { apply: (run, value) => from(run.parts(instant(value)).hour) },
  WEEKDAY: { apply: (run, value = null) => from(weekday(run.dayOf(value).days)) },
  DATEADD: {
    apply: (_, value = null, count = ZERO, unit = DAY_UNIT) => dateadd(value, whole(count), text(unit)),
  },
  DATEDIF: { apply: (_, start, end, unit = DAY_UNIT) => datedif(day(start), day(end), text(unit)) },
  DAYS: { apply: (_, end, start) => from(day(end).days - day(start).days) },
  EDATE: { apply: (_, start, months) => shiftMonths(day(start), whole(months)) },
  EOMONTH: { apply: (_, start, months = ZERO) => eomonth(day(start), whole(months)) },
  NETWORKDAYS: { apply: (run, start, end) => networkdays(run, day(start), day(end)) },
  WORKDAY: { apply: (run, start, count) => workday(run, day(start), whole(number(count))) },
};
