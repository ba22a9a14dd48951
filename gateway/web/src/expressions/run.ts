// One evaluation: what it may know besides its record, the steps it has left, and its values as what they must be.

import { Decimal } from "decimal.js";

import { refuse, STEPS_MAX, VALUE_LENGTH_MAX } from "./problems.js";
import {
  civil,
  Day,
  dateFromText,
  Instant,
  instantFromText,
  localParts,
  Num,
  type Parts,
  partsOf,
  type Value,
} from "./values.js";

/** The surroundings of an evaluation; what is not given makes the functions that need it an error. */
export interface World {
  /** This instant, ISO 8601. */
  now?: string;
  /** The business date; by default the day of `now` in `zone`. */
  today?: string;
  /** An IANA name. */
  zone: string;
  holidays?: readonly string[];
  /** The weekend days on which people work (调休). */
  workdays?: readonly string[];
  lookup?: (form: string, column: string, value: Value, wanted: string) => Value;
}

export class Run {
  private steps = STEPS_MAX;
  readonly holidays: ReadonlySet<number>;
  readonly workdays: ReadonlySet<number>;

  constructor(readonly world: World) {
    this.holidays = new Set((world.holidays ?? []).map((text) => day(text).days));
    this.workdays = new Set((world.workdays ?? []).map((text) => day(text).days));
  }

  charge(steps: number): void {
    this.steps -= steps;
    if (this.steps < 0)
      throw refuse(0, "too_many_steps", `计算超过 ${STEPS_MAX} 步`, "减少明细的行数或公式的循环");
  }

  now(): Instant {
    if (this.world.now === undefined)
      throw refuse(0, "no_clock", "这里没有当前时间, 不能使用 NOW", "改为读取一个时刻字段");
    return instant(this.world.now);
  }

  today(): Day {
    if (this.world.today !== undefined) return day(this.world.today);
    if (this.world.now === undefined)
      throw refuse(0, "no_clock", "这里没有当前日期, 不能使用 TODAY", "改为读取一个日期字段");
    return this.dayOf(this.now());
  }

  /** A date, or an instant as the local clocks show it. */
  parts(value: Value): Parts {
    return value instanceof Instant ? localParts(value, this.world.zone) : partsOf(day(value));
  }

  dayOf(value: Value): Day {
    if (!(value instanceof Instant)) return day(value);
    const { year, month, day: date } = this.parts(value);
    return new Day(civil(year, month, date));
  }
}

function wrong(): Error {
  return refuse(0, "wrong_value", "记录中有一个值与字段的类型不符", "检查记录中各字段的值");
}

export function number(value: Value | undefined): Decimal {
  if (value instanceof Decimal) return value;
  throw wrong();
}

/** A number without its decimals. */
export function whole(value: Value | undefined): number {
  return number(value).trunc().toNumber();
}

export function text(value: Value | undefined): string {
  if (typeof value === "string") return value;
  throw wrong();
}

/** A date; a text where a date belongs writes one. */
export function day(value: Value | undefined): Day {
  const found = typeof value === "string" ? dateFromText(value) : value;
  if (found instanceof Day) return found;
  throw wrong();
}

export function instant(value: Value | undefined): Instant {
  const found = typeof value === "string" ? instantFromText(value) : value;
  if (found instanceof Instant) return found;
  throw wrong();
}

export function items(value: Value | undefined): Value[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw wrong();
}

/** A text within the limits; null for one that is too long. */
export function bounded(value: string): string | null {
  return value.length <= VALUE_LENGTH_MAX || length(value) <= VALUE_LENGTH_MAX ? value : null;
}

/** How many characters a text has. */
export function length(value: string): number {
  return /[\ud800-\udfff]/.test(value) ? Array.from(value).length : value.length;
}

export function from(value: number): Decimal {
  return new Num(value);
}

/** -1, 0 or 1: two values in their order; an instant beside a date counts as its local date. */
export function compare(run: Run, left: Value, right: Value): number {
  const [one, two] = alike(run, left, right);
  if (one instanceof Decimal && two instanceof Decimal) return one.comparedTo(two);
  if (one instanceof Day && two instanceof Day) return Math.sign(one.days - two.days);
  if (one instanceof Instant && two instanceof Instant) return Math.sign(one.micros - two.micros);
  if (typeof one === "string" && typeof two === "string") return compareTexts(one, two);
  if (typeof one === "boolean" && typeof two === "boolean") return Number(one) - Number(two);
  throw wrong();
}

function alike(run: Run, left: Value, right: Value): [Value, Value] {
  if (typeof left === "string" && typeof right !== "string")
    return [asTime(left, right), right].map(local(run)) as [Value, Value];
  if (typeof right === "string" && typeof left !== "string")
    return [left, asTime(right, left)].map(local(run)) as [Value, Value];
  return mixed(left, right) ? [run.dayOf(left), run.dayOf(right)] : [left, right];
}

function mixed(left: Value, right: Value): boolean {
  return (
    (left instanceof Instant && right instanceof Day) || (left instanceof Day && right instanceof Instant)
  );
}

function asTime(written: string, other: Value): Value {
  if (other instanceof Day) return day(written);
  if (other instanceof Instant) return dateFromText(written) ?? instant(written);
  throw wrong();
}

/** Of a date and an instant, both become dates. */
function local(run: Run): (value: Value, index: number, both: Value[]) => Value {
  return (value, _, both) => (mixed(both[0] ?? null, both[1] ?? null) ? run.dayOf(value) : value);
}

/** By code points, as the server and the database compare them. */
function compareTexts(one: string, two: string): number {
  const left = Array.from(one);
  const right = Array.from(two);
  const shorter = Math.min(left.length, right.length);
  for (let index = 0; index < shorter; index += 1) {
    const difference = (left[index]?.codePointAt(0) ?? 0) - (right[index]?.codePointAt(0) ?? 0);
    if (difference !== 0) return Math.sign(difference);
  }
  return Math.sign(left.length - right.length);
}

export function equal(run: Run, left: Value, right: Value): boolean {
  return left !== null && right !== null && compare(run, left, right) === 0;
}
