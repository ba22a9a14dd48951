// The values of the language in the browser: exact decimals, days, instants; from JSON and to JSON.

import { Decimal } from "decimal.js";

import { ITEMS_MAX, refuse, VALUE_LENGTH_MAX } from "./problems.js";

// Digits enough to be exact before a result is rounded, half away from zero, to the 20th place; see values.py.
export const Num = Decimal.clone({
  precision: 110,
  rounding: Decimal.ROUND_HALF_UP,
  toExpNeg: -9e15,
  toExpPos: 9e15,
});
export const PLACES = 20;
export const ZERO = new Num(0);
const LIMIT = new Num(10).pow(30);
const DAY_MS = 86_400_000;
const DAY_MICROS = DAY_MS * 1000;

/** A calendar day, as days from 1970-01-01. */
export class Day {
  constructor(readonly days: number) {}
}

/** An instant, as microseconds from 1970. */
export class Instant {
  constructor(readonly micros: number) {}
}

export interface Fields {
  [name: string]: Value;
}
export type Value = null | boolean | string | Decimal | Day | Instant | Value[] | Fields;

export const FIRST_DAY = civil(1, 1, 1);
export const LAST_DAY = civil(9999, 12, 31);

/** A result as a number of the language: rounded to 20 places, null beyond 10^30. */
export function settle(value: Decimal): Decimal | null {
  return value.abs().gte(LIMIT) || !value.isFinite() ? null : value.toDecimalPlaces(PLACES);
}

/** Days from 1970-01-01 to a date that exists. */
export function civil(year: number, month: number, day: number): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day);
  return Math.round(date.getTime() / DAY_MS);
}

export interface Parts {
  year: number;
  month: number;
  day: number;
  hour: number;
  minute: number;
  second: number;
}

export function partsOf(day: Day): Parts {
  const date = new Date(day.days * DAY_MS);
  return {
    year: date.getUTCFullYear(),
    month: date.getUTCMonth() + 1,
    day: date.getUTCDate(),
    hour: 0,
    minute: 0,
    second: 0,
  };
}

const formatters = new Map<string, Intl.DateTimeFormat>();

/** An instant as the clocks of a zone show it. */
export function localParts(moment: Instant, zone: string): Parts {
  let formatter = formatters.get(zone);
  if (formatter === undefined) {
    formatter = new Intl.DateTimeFormat("en-US", {
      timeZone: zone,
      hourCycle: "h23",
      year: "numeric",
      month: "2-digit",
      day: "2-digit",
      hour: "2-digit",
      minute: "2-digit",
      second: "2-digit",
    });
    formatters.set(zone, formatter);
  }
  const found: Record<string, number> = {};
  for (const part of formatter.formatToParts(new Date(Math.floor(moment.micros / 1000)))) {
    found[part.type] = Number(part.value);
  }
  const part = (name: string): number => found[name] ?? 0;
  return {
    year: part("year"),
    month: part("month"),
    day: part("day"),
    hour: part("hour"),
    minute: part("minute"),
    second: part("second"),
  };
}

/** The date of a year, a month and a day; null for one that does not exist. */
export function dateOf(year: number, month: number, day: number): Day | null {
  if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return null;
  return new Day(civil(year, month, day));
}

export function daysIn(year: number, month: number): number {
  return partsOf(new Day(civil(year, month + 1, 0))).day;
}

/** A day within the calendar; null beyond it. */
export function dayAt(days: number): Day | null {
  return days >= FIRST_DAY && days <= LAST_DAY ? new Day(days) : null;
}

export function dateFromText(text: string): Day | null {
  const matched = /^([0-9]{4})-([0-9]{2})-([0-9]{2})$/.exec(text);
  return matched === null ? null : dateOf(Number(matched[1]), Number(matched[2]), Number(matched[3]));
}

export function instantFromText(text: string): Instant | null {
  const matched =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]([0-9]{2}):([0-9]{2})(?::([0-9]{2})(?:\.([0-9]{1,6}))?)?(Z|[+-][0-9]{2}:[0-9]{2})$/.exec(
      text,
    );
  if (matched === null) return null;
  const [, date = "", hour = "0", minute = "0", second = "0", fraction = "", zone = "Z"] = matched;
  const day = dateFromText(date);
  if (day === null || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return null;
  const [hours = "0", minutes = "0"] = zone === "Z" ? [] : zone.slice(1).split(":");
  const offset = (zone.startsWith("-") ? -1 : 1) * (Number(hours) * 60 + Number(minutes));
  const seconds = (Number(hour) * 60 + Number(minute) - offset) * 60 + Number(second);
  return new Instant(day.days * DAY_MICROS + seconds * 1_000_000 + Number(fraction.padEnd(6, "0")));
}

export function dayText(day: Day): string {
  const { year, month, day: date } = partsOf(day);
  return [String(year).padStart(4, "0"), two(month), two(date)].join("-");
}

export function two(value: number): string {
  return String(value).padStart(2, "0");
}

function instantText(moment: Instant): string {
  const days = Math.floor(moment.micros / DAY_MICROS);
  const micros = moment.micros - days * DAY_MICROS;
  const seconds = Math.floor(micros / 1_000_000);
  const fraction = String(micros % 1_000_000)
    .padStart(6, "0")
    .replace(/0+$/, "");
  const time = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60].map(two).join(":");
  return `${dayText(new Day(days))}T${time}${fraction === "" ? "" : `.${fraction}`}Z`;
}

/** A number as text: no exponent, no zeros at the end, no negative zero. */
export function canonical(value: Decimal): string {
  return value.isZero() ? "0" : value.toFixed();
}

/** How a field is declared: a type's name, `[item]`, `{"type": "record", "fields": …}` or `{column: type}`. */
export type Declared = string | Declared[] | { [name: string]: Declared };

const ALIASES: Readonly<Record<string, string>> = {
  money: "number",
  percent: "number",
  integer: "number",
  instant: "datetime",
};

/** A value of JSON as a value of the language; `ExpressionError` names the place of what does not fit. */
export function fromJson(value: unknown, declared: Declared, place: string): Value {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return listFromJson(value, declared, place);
  if (typeof value === "object")
    return recordFromJson(value as Record<string, unknown>, columnsOf(declared), place);
  const found = scalarFromJson(value, typeof declared === "string" ? (ALIASES[declared] ?? declared) : "");
  if (found === null) throw refuse(0, "wrong_value", `${place} 的值与字段的类型不符`, "检查这个字段的值");
  return found;
}

/** A record of JSON as its fields declare it; what is no field stays out. */
export function recordFromJson(
  value: Record<string, unknown>,
  fields: { [name: string]: Declared },
  place = "",
): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, declared]) => [
      name,
      fromJson(fieldValue(value, name), declared, place + name),
    ]),
  );
}

/** The value of a field; one whose key has dots (`客户.额度`) may also stand in a record of its own. */
function fieldValue(value: unknown, name: string): unknown {
  if (value === null || typeof value !== "object") return null;
  if (Object.hasOwn(value, name)) return (value as Record<string, unknown>)[name];
  const dot = name.indexOf(".");
  return dot < 0
    ? null
    : fieldValue((value as Record<string, unknown>)[name.slice(0, dot)], name.slice(dot + 1));
}

function listFromJson(value: unknown[], declared: Declared, place: string): Value[] {
  if (value.length > ITEMS_MAX)
    throw refuse(0, "list_too_large", `${place} 最多 ${ITEMS_MAX} 项`, "减少明细的行数");
  const item: Declared = Array.isArray(declared) ? (declared[0] ?? "any") : declared;
  return value.map((each, index) => fromJson(each, item, `${place}.${index}`));
}

function columnsOf(declared: Declared): { [name: string]: Declared } {
  if (typeof declared === "string" || Array.isArray(declared)) return {};
  return declared.type === "record" ? (declared.fields as { [name: string]: Declared }) : declared;
}

function scalarFromJson(value: unknown, kind: string): Value {
  if (typeof value === "boolean") return kind === "bool" || kind === "any" ? value : null;
  if (typeof value === "number") return kind === "number" || kind === "any" ? settle(new Num(value)) : null;
  if (typeof value !== "string" || value.length > VALUE_LENGTH_MAX) return null;
  switch (kind) {
    case "number":
      return /^-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,4})?$/.test(value) ? settle(new Num(value)) : null;
    case "date":
      return dateFromText(value);
    case "datetime":
      return instantFromText(value);
    case "text":
    case "any":
      return value;
    default:
      return null;
  }
}

/** A value of the language as JSON: numbers as decimal text, dates and instants in ISO 8601. */
export function toJson(value: Value): unknown {
  if (value instanceof Decimal) return canonical(value);
  if (value instanceof Day) return dayText(value);
  if (value instanceof Instant) return instantText(value);
  if (Array.isArray(value)) return value.map(toJson);
  if (value !== null && typeof value === "object") {
    return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, toJson(inner)]));
  }
  return value;
}
