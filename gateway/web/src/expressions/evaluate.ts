// Tree to value in the browser: compiled once to closures; the twin of compiler.py.

import { DATES, shiftDays } from "./dates.js";
import { BY_ROW, LISTS } from "./lists.js";
import { NUMBERS, power } from "./numbers.js";
import { refuse } from "./problems.js";
import { NO_SCOPE, type Place, type Read, reader, rowsReader, type Scope } from "./readers.js";
import { compare, day, equal, from, instant, items, number, Run, type World } from "./run.js";
import type { Definition, Functions } from "./table.js";
import { concat, TEXTS } from "./texts.js";
import { isField, isOperation, type Literal, sizeOf, type Tree } from "./trees.js";
import { Day, type Fields, Num, settle, type Value } from "./values.js";

const FUNCTIONS: Functions = { ...NUMBERS, ...TEXTS, ...DATES, ...LISTS };

/** A function of a record (see `recordFromJson`) and of the world; `ExpressionError` for what cannot be computed. */
export type Compiled = (record: Fields, world: World) => Value;

/** Compile a tree once to evaluate it often. */
export function compile(tree: Tree): Compiled {
  sizeOf(tree);
  const compute = closure(tree, NO_SCOPE);
  return (record, world) => compute({ record, row: null, column: null, outer: null }, new Run(world));
}

function closure(tree: Tree, scope: Scope): Read {
  if (isField(tree)) return reader(tree.field, scope);
  if (!isOperation(tree)) {
    const value = constant(tree);
    return () => value;
  }
  if (Object.hasOwn(BY_ROW, tree.op)) return byRow(tree.op, tree.args, scope);
  const args = tree.args.map((argument) => closure(argument, scope));
  if (Object.hasOwn(LAZY, tree.op)) return (LAZY[tree.op] as (args: Read[]) => Read)(args);
  const definition = Object.hasOwn(FUNCTIONS, tree.op) ? FUNCTIONS[tree.op] : undefined;
  if (definition === undefined) {
    throw refuse(tree.at ?? 0, "unknown_function", `未知的函数 ${tree.op.slice(0, 60)}`, "先检查表达式");
  }
  return call(definition, args);
}

function constant(tree: Literal): Value {
  if (typeof tree.value !== "string") return tree.value;
  switch (tree.type) {
    case "number":
      return new Num(tree.value);
    case "date":
      return day(tree.value);
    case "datetime":
      return instant(tree.value);
    default:
      return tree.value;
  }
}

function call(definition: Definition, args: Read[]): Read {
  const { apply, strict = true, asks = false } = definition;
  return (place, run) => {
    const values: Value[] = [];
    for (const argument of args) {
      const value = argument(place, run);
      if (strict && value === null) return asks ? false : null;
      values.push(value);
    }
    return apply(run, ...values);
  };
}

function byRow(op: string, [subject, computed]: Tree[], scope: Scope): Read {
  if (subject === undefined || computed === undefined || !isField(subject)) {
    throw refuse(subject?.at ?? 0, "needs_list", `${op} 的第一个参数应为子表或子表的列`, "先检查表达式");
  }
  const { rows, item, scope: inner, column } = rowsReader(subject.field, scope);
  const compute = closure(computed, inner);
  const cost = sizeOf(computed);
  const finish = BY_ROW[op] as (pairs: [Value, Value][]) => Value;
  return (outer, run) => {
    const found = items(rows(outer, run));
    run.charge(found.length * cost);
    return finish(
      found.map((row) => {
        const place: Place = { record: null, row, column: column(row), outer };
        return [item(place), compute(place, run)];
      }),
    );
  };
}

// --- logic and operators -----------------------------------------------------------------------------------

function every(args: Read[]): Read {
  return (place, run) => args.every((argument) => argument(place, run) === true);
}

function some(args: Read[]): Read {
  return (place, run) => args.some((argument) => argument(place, run) === true);
}

function ifs(args: Read[]): Read {
  return (place, run) => {
    for (let index = 0; index + 1 < args.length; index += 2) {
      if (args[index]?.(place, run) === true) return args[index + 1]?.(place, run) ?? null;
    }
    return args.length % 2 === 1 ? (args.at(-1)?.(place, run) ?? null) : null;
  };
}

function switch_([subject, ...rest]: Read[]): Read {
  return (place, run) => {
    const wanted = subject?.(place, run) ?? null;
    for (let index = 0; index + 1 < rest.length; index += 2) {
      if (wanted !== null && equal(run, wanted, rest[index]?.(place, run) ?? null)) {
        return rest[index + 1]?.(place, run) ?? null;
      }
    }
    return rest.length % 2 === 1 ? (rest.at(-1)?.(place, run) ?? null) : null;
  };
}

function coalesce(args: Read[]): Read {
  return (place, run) => {
    for (const argument of args) {
      const value = argument(place, run);
      if (value !== null) return value;
    }
    return null;
  };
}

/** An operator between two values, null when either is. */
function between(compute: (left: Value, right: Value) => Value) {
  return ([left, right]: Read[]): Read =>
    (place, run) => {
      const one = left?.(place, run) ?? null;
      if (one === null) return null;
      const two = right?.(place, run) ?? null;
      return two === null ? null : compute(one, two);
    };
}

function comparison(holds: (order: number) => boolean) {
  return ([left, right]: Read[]): Read =>
    (place, run) => {
      const one = left?.(place, run) ?? null;
      const two = one === null ? null : (right?.(place, run) ?? null);
      return two !== null && holds(compare(run, one, two));
    };
}

function plus(left: Value, right: Value): Value {
  if (left instanceof Day) return shiftDays(left, number(right).trunc().toNumber());
  if (right instanceof Day) return shiftDays(right, number(left).trunc().toNumber());
  return settle(number(left).plus(number(right)));
}

function minus(left: Value, right: Value): Value {
  if (right instanceof Day) return from(day(left).days - right.days);
  if (!(left instanceof Day)) return settle(number(left).minus(number(right)));
  if (typeof right === "string") return from(left.days - day(right).days);
  return shiftDays(left, -number(right).trunc().toNumber());
}

function divide(left: Value, right: Value): Value {
  return number(right).isZero() ? null : settle(number(left).div(number(right)));
}

function one(compute: (value: Value) => Value) {
  return ([inner]: Read[]): Read =>
    (place, run) => {
      const value = inner?.(place, run) ?? null;
      return value === null ? null : compute(value);
    };
}

function isempty(value: Value): boolean {
  return value === null || value === "" || (Array.isArray(value) && value.length === 0);
}

const LAZY: Readonly<Record<string, (args: Read[]) => Read>> = {
  and: every,
  or: some,
  not:
    ([inner]) =>
    (place, run) =>
      inner?.(place, run) !== true,
  IF: ifs,
  IFS: ifs,
  SWITCH: switch_,
  COALESCE: coalesce,
  ISEMPTY:
    ([inner]) =>
    (place, run) =>
      isempty(inner?.(place, run) ?? null),
  list: (args) => (place, run) => args.map((argument) => argument(place, run)),
  "&": (args) => (place, run) => concat(run, ...args.map((argument) => argument(place, run))),
  in:
    ([value, listed]) =>
    (place, run) => {
      const wanted = value?.(place, run) ?? null;
      return items(listed?.(place, run)).some((item) => equal(run, wanted, item));
    },
  "+": between(plus),
  "-": between(minus),
  "*": between((left, right) => settle(number(left).times(number(right)))),
  "/": between(divide),
  "^": between((left, right) => power(number(left), number(right))),
  "=": comparison((order) => order === 0),
  "<>": comparison((order) => order !== 0),
  "<": comparison((order) => order < 0),
  "<=": comparison((order) => order <= 0),
  ">": comparison((order) => order > 0),
  ">=": comparison((order) => order >= 0),
  negative: one((value) => number(value).neg()),
  percent: one((value) => settle(number(value).times("0.01"))),
};
