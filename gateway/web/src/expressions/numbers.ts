// Functions of numbers; the twin of functions/numbers.py.

import { Decimal } from "decimal.js";

import { compare, from, number, type Run, whole } from "./run.js";
import type { Functions } from "./table.js";
import { Num, PLACES, settle, type Value, ZERO } from "./values.js";

const EXPONENT_MAX = 10_000;
const DIGITS_MIN = -30;
const MAGNITUDE_MAX = 32;
const MAGNITUDE_MIN = -40;
const Rough = Num.clone({ precision: 9 });
const ONE = from(1);

/** All that is not null, of values and of lists. */
function flat(values: Value[]): Value[] {
  return values.flat().filter((value) => value !== null) as Value[];
}

export function sum(values: Value[]): Decimal {
  return flat(values).reduce<Decimal>((total, value) => total.plus(number(value)), ZERO);
}

export function average(values: Value[]): Value {
  const found = flat(values);
  return found.length === 0 ? null : settle(sum(found).div(found.length));
}

function extreme(sign: number) {
  return (run: Run, ...values: Value[]): Value =>
    flat(values).reduce<Value>(
      (best, value) => (best === null || compare(run, value, best) * sign > 0 ? value : best),
      null,
    );
}

function rounded(rounding: Decimal.Rounding) {
  return (_: Run, value: Value, digits: Value = ZERO): Value => {
    const places = Math.max(DIGITS_MIN, Math.min(PLACES, whole(digits)));
    return settle(number(value).toNearest(from(10).pow(-places), rounding));
  };
}

function multiple(rounding: Decimal.Rounding) {
  return (_: Run, value: Value, step: Value = ONE): Value =>
    number(step).lte(0) ? null : settle(number(value).toNearest(number(step), rounding));
}

export function power(base: Decimal, exponent: Decimal): Decimal | null {
  const undefinedPower = (base.isZero() && exponent.lte(0)) || (base.lt(0) && !exponent.isInteger());
  if (exponent.abs().gt(EXPONENT_MAX) || undefinedPower) return null;
  if (base.isZero()) return ZERO;
  const magnitude = exponent.times(new Rough(base.abs()).log(10));
  if (magnitude.gt(MAGNITUDE_MAX)) return null;
  return magnitude.lt(MAGNITUDE_MIN) ? ZERO : settle(base.pow(exponent));
}

function mod(value: Decimal, divisor: Decimal): Decimal | null {
  if (divisor.isZero()) return null;
  const rest = value.mod(divisor);
  return !rest.isZero() && rest.lt(0) !== divisor.lt(0) ? rest.plus(divisor) : rest;
}

export const NUMBERS: Functions = {
  SUM: { strict: false, apply: (_, ...values) => settle(sum(values)) },
  AVG: { strict: false, apply: (_, ...values) => average(values) },
  MIN: { strict: false, apply: extreme(-1) },
  MAX: { strict: false, apply: extreme(1) },
  COUNT: { strict: false, apply: (_, ...values) => from(flat(values).length) },
  ROUND: { apply: rounded(Decimal.ROUND_HALF_UP) },
  ROUNDUP: { apply: rounded(Decimal.ROUND_UP) },
  ROUNDDOWN: { apply: rounded(Decimal.ROUND_DOWN) },
  CEILING: { apply: multiple(Decimal.ROUND_CEIL) },
  FLOOR: { apply: multiple(Decimal.ROUND_FLOOR) },
  ABS: { apply: (_, value) => number(value).abs() },
  INT: { apply: (_, value) => number(value).floor() },
  SIGN: { apply: (_, value) => from(number(value).cmp(0)) },
  MOD: { apply: (_, value, divisor) => mod(number(value), number(divisor)) },
  POWER: { apply: (_, base, exponent) => power(number(base), number(exponent)) },
  SQRT: { apply: (_, value) => (number(value).lt(0) ? null : settle(number(value).sqrt())) },
};
