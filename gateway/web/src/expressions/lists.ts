// Functions of lists and of other forms, and those that check what people type; the twins of lists.py and checks.py.

import { average, sum } from "./numbers.js";
import { refuse } from "./problems.js";
import { from, items, type Run, text } from "./run.js";
import type { Functions } from "./table.js";
import { dateFromText, settle, toJson, type Value } from "./values.js";

export type Pairs = readonly (readonly [Value, Value])[];

const MOBILE = /^(\+86)?1[3-9][0-9]{9}$/;
const EMAIL = /^[A-Za-z0-9._%+-]{1,64}@([A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,63}$/;
const IDCARD = /^[1-9][0-9]{16}[0-9X]$/;
const IDCARD_CHECKS = "10X98765432";
const USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY";
const USCC_LENGTH = 18;

function holding(rows: Pairs): Value[] {
  return rows.filter(([, holds]) => holds === true).map(([item]) => item);
}

/** The functions over rows: what they make of the pairs (item, its condition or value). */
export const BY_ROW: Readonly<Record<string, (rows: Pairs) => Value>> = {
  SUMIF: (rows) => settle(sum(holding(rows))),
  COUNTIF: (rows) => from(holding(rows).length),
  AVERAGEIF: (rows) => average(holding(rows)),
  FILTER: holding,
  MAP: (rows) => rows.map(([, value]) => value),
  ANY: (rows) => rows.some(([, holds]) => holds === true),
  ALL: (rows) => rows.every(([, holds]) => holds === true),
};

function unique(values: Value[]): Value[] {
  const found = new Map<string, Value>();
  for (const value of values) {
    const key = JSON.stringify([typeof value, toJson(value)]);
    if (value !== null && !found.has(key)) found.set(key, value);
  }
  return [...found.values()];
}

function powerMod(base: number, exponent: number, divisor: number): number {
  let result = 1;
  for (let count = 0; count < exponent; count += 1) result = (result * base) % divisor;
  return result;
}

function idcard(value: string): boolean {
  if (!IDCARD.test(value)) return false;
  const birthday = `${value.slice(6, 10)}-${value.slice(10, 12)}-${value.slice(12, 14)}`;
  if (dateFromText(birthday) === null) return false;
  let total = 0;
  for (let place = 0; place < 17; place += 1) total += Number(value[place]) * powerMod(2, 17 - place, 11);
  return IDCARD_CHECKS[total % 11] === value[17];
}

function uscc(value: string): boolean {
  const values = Array.from(value, (character) => USCC_ALPHABET.indexOf(character));
  if (values.length !== USCC_LENGTH || values.includes(-1)) return false;
  const total = values.slice(0, -1).reduce((sum_, each, place) => sum_ + each * powerMod(3, place, 31), 0);
  return (31 - (total % 31)) % 31 === values[USCC_LENGTH - 1];
}

function lookup(run: Run, form: string, column: string, value: Value, wanted: string): Value {
  if (run.world.lookup === undefined) {
    throw refuse(0, "no_lookup", "这里不能使用 LOOKUP 读取其他表单", "改为读取本表单的字段");
  }
  return run.world.lookup(form, column, value, wanted);
}

export const LISTS: Functions = {
  FIRST: { strict: false, apply: (_, list) => items(list).find((item) => item !== null) ?? null },
  LAST: { strict: false, apply: (_, list) => items(list).findLast((item) => item !== null) ?? null },
  UNIQUE: { strict: false, apply: (_, list) => unique(items(list)) },
  LOOKUP: {
    apply: (run, form, column, value = null, wanted) =>
      lookup(run, text(form), text(column), value, text(wanted)),
  },
  USCC: { asks: true, apply: (_, value) => uscc(text(value)) },
  IDCARD: { asks: true, apply: (_, value) => idcard(text(value)) },
  MOBILE: { asks: true, apply: (_, value) => MOBILE.test(text(value)) },
  EMAIL: { asks: true, apply: (_, value) => EMAIL.test(text(value)) },
};
