// Functions of texts; a character is a code point. The twin of functions/texts.py.

import { Decimal } from "decimal.js";
import { RE2JS } from "re2js";

import { rmb, writeDate, writeNumber } from "./formats.js";
import { ITEMS_MAX } from "./problems.js";
import { bounded, from, length, number, type Run, text, whole } from "./run.js";
import type { Functions } from "./table.js";
import { canonical, Day, dayText, Instant, Num, settle, two, type Value } from "./values.js";

const BLANKS = " \t\r\n\u3000\u00a0";
const VALUE = /^[+-]?([0-9]{1,30}|[0-9]{1,3}(,[0-9]{3}){1,9})(\.[0-9]{1,20})?%?$/;
const PATTERN_LENGTH_MAX = 500;
const PATTERNS_MAX = 256;
const CHARACTERS_A_STEP = 100;
const patterns = new Map<string, RE2JS | null>();

/** A value as text; null is a text without characters. */
export function shown(run: Run, value: Value): string {
  if (value === null) return "";
  if (typeof value === "string") return value;
  if (typeof value === "boolean") return value ? "TRUE" : "FALSE";
  if (value instanceof Decimal) return canonical(value);
  if (value instanceof Day) return dayText(value);
  if (value instanceof Instant) {
    const { year, month, day, hour, minute, second } = run.parts(value);
    return `${String(year).padStart(4, "0")}-${two(month)}-${two(day)} ${two(hour)}:${two(minute)}:${two(second)}`;
  }
  return text(value as Value);
}

export function concat(run: Run, ...values: Value[]): string | null {
  return bounded(values.map((value) => shown(run, value)).join(""));
}

function textjoin(run: Run, separator: Value, ...values: Value[]): string | null {
  if (separator === null) return null;
  const parts = values.flat().map((value) => shown(run, value as Value));
  return bounded(parts.filter((part) => part !== "").join(text(separator)));
}

function slice(value: Value, begin: number, end: number): string {
  const characters = Array.from(text(value));
  return characters.slice(Math.min(begin, characters.length), Math.min(end, characters.length)).join("");
}

function right(value: Value, count: number): string {
  const size = length(text(value));
  return slice(value, Math.max(0, size - Math.max(0, count)), size);
}

function mid(value: Value, start: number, count: number): string | null {
  return start < 1 ? null : slice(value, start - 1, start - 1 + Math.max(0, count));
}

function trim(value: string): string {
  let begin = 0;
  let end = value.length;
  while (begin < end && BLANKS.includes(value[begin] ?? "x")) begin += 1;
  while (end > begin && BLANKS.includes(value[end - 1] ?? "x")) end -= 1;
  return value.slice(begin, end);
}

function find(part: string, value: string): Value {
  const index = value.indexOf(part);
  return index < 0 ? null : from(length(value.slice(0, index)) + 1);
}

function split(run: Run, value: string, separator: string): Value {
  if (separator === "") return [value];
  run.charge(Math.floor(value.length / CHARACTERS_A_STEP));
  const parts = value.split(separator);
  return parts.length <= ITEMS_MAX ? parts : null;
}

function pattern(written: string): RE2JS | null {
  const known = patterns.get(written);
  if (known !== undefined) return known;
  let compiled: RE2JS | null;
  try {
    compiled = written.length <= PATTERN_LENGTH_MAX ? RE2JS.compile(written) : null;
  } catch {
    compiled = null;
  }
  if (patterns.size >= PATTERNS_MAX) patterns.clear();
  patterns.set(written, compiled);
  return compiled;
}

function regexmatch(run: Run, value: string, written: string): Value {
  const compiled = pattern(written);
  run.charge(Math.floor(value.length / CHARACTERS_A_STEP));
  return compiled === null ? null : compiled.matcher(value).find();
}

function value(written: string): Value {
  const found = trim(written);
  if (!VALUE.test(found)) return null;
  const digits = new Num(found.replaceAll(",", "").replace("%", "").replace("+", ""));
  return settle(found.endsWith("%") ? digits.div(100) : digits);
}

function format(run: Run, given: Value, written: string): Value {
  return given instanceof Decimal ? writeNumber(given, written) : writeDate(run.parts(given), written);
}

export const TEXTS: Functions = {
  LEN: { apply: (_, one) => from(length(text(one))) },
  LEFT: { apply: (_, one, count = from(1)) => slice(text(one), 0, Math.max(0, whole(count))) },
  RIGHT: { apply: (_, one, count = from(1)) => right(text(one), whole(count)) },
  MID: { apply: (_, one, start, count) => mid(text(one), whole(start), whole(count)) },
  CONCAT: { strict: false, apply: concat },
  TEXTJOIN: {
    strict: false,
    apply: (run, separator = null, ...values) => textjoin(run, separator, ...values),
  },
  UPPER: { apply: (_, one) => bounded(text(one).toUpperCase()) },
  LOWER: { apply: (_, one) => bounded(text(one).toLowerCase()) },
  TRIM: { apply: (_, one) => trim(text(one)) },
  REPLACE: {
    apply: (_, one, old, by) => (old === "" ? text(one) : bounded(text(one).split(text(old)).join(text(by)))),
  },
  CONTAINS: { asks: true, apply: (_, one, part) => text(one).includes(text(part)) },
  STARTSWITH: { asks: true, apply: (_, one, start) => text(one).startsWith(text(start)) },
  ENDSWITH: { asks: true, apply: (_, one, end) => text(one).endsWith(text(end)) },
  FIND: { apply: (_, part, one) => find(text(part), text(one)) },
  SPLIT: { apply: (run, one, separator) => split(run, text(one), text(separator)) },
  REGEXMATCH: { asks: true, apply: (run, one, written) => regexmatch(run, text(one), text(written)) },
  TEXT: { apply: (run, one, written) => format(run, one ?? null, text(written)) },
  VALUE: { apply: (_, one) => value(text(one)) },
  RMB: { apply: (_, amount) => rmb(number(amount)) },
};
