// How fields are read from a record, and the columns of a row from the row that is looked at; see readers.py.

import { ITEMS_MAX, refuse } from "./problems.js";
import type { Run } from "./run.js";
import type { Fields, Value } from "./values.js";

/** A row of the list at `base`, inside what is around it; without `outer`, the record itself. */
export interface Scope {
  base: string;
  outer: Scope | null;
}

/** What is read from: the record, or a row and what is around it. */
export interface Place {
  record: Fields | null;
  row: Value;
  /** Of a list of values in a record: the one column that the row stands for. */
  column: string | null;
  outer: Place | null;
}

export type Read = (place: Place, run: Run) => Value;

export const NO_SCOPE: Scope = { base: "", outer: null };

function isFields(value: Value | undefined): value is Fields {
  return value !== null && typeof value === "object" && Object.getPrototypeOf(value) === Object.prototype;
}

export function reader(path: string, scope: Scope): Read {
  if (scope.outer === null) return (place, run) => fromRecord(place.record ?? {}, path, run);
  if (path === scope.base) return (place) => place.row;
  const outer = reader(path, scope.outer);
  const around = (place: Place, run: Run): Value => (place.outer === null ? null : outer(place.outer, run));
  if (!path.startsWith(`${scope.base}.`)) return around;
  const steps = path.slice(scope.base.length + 1).split(".");
  return (place, run) => {
    if (place.column === null) return follow(place.row, steps, run);
    if (place.column !== steps[0]) return around(place, run);
    return follow(place.row, steps.slice(1), run);
  };
}

export interface Rows {
  rows: Read;
  /** What of a row the path means: of `明细.金额` the row's 金额, of `明细` the row. */
  item: (place: Place) => Value;
  scope: Scope;
  column: (found: Value) => string | null;
}

export function rowsReader(path: string, scope: Scope): Rows {
  const dot = path.lastIndexOf(".");
  if (dot < 0) {
    return {
      rows: reader(path, scope),
      item: (place) => place.row,
      scope: { base: path, outer: scope },
      column: () => null,
    };
  }
  const base = path.slice(0, dot);
  const column = path.slice(dot + 1);
  const holder = reader(base, scope);
  const whole = reader(path, scope);
  return {
    rows: (place, run) => {
      const found = holder(place, run);
      return Array.isArray(found) ? found : whole(place, run);
    },
    item: (place) =>
      place.column === null ? (isFields(place.row) ? (own(place.row, column) ?? null) : null) : place.row,
    scope: { base, outer: scope },
    column: (row) => (isFields(row) ? null : column),
  };
}

function own(fields: Fields, name: string): Value | undefined {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}

function fromRecord(record: Fields, path: string, run: Run): Value {
  const found = own(record, path);
  return found === undefined ? follow(record, path.split("."), run) : counted(found, run);
}

function follow(start: Value, steps: readonly string[], run: Run): Value {
  let found: Value = start;
  for (const [index, step] of steps.entries()) {
    if (Array.isArray(found)) {
      const rest = steps.slice(index);
      return (counted(found, run) as Value[]).map((item) => follow(item, rest, run));
    }
    if (!isFields(found)) return null;
    found = own(found, step) ?? null;
  }
  return counted(found, run);
}

function counted(found: Value, run: Run): Value {
  if (Array.isArray(found)) {
    if (found.length > ITEMS_MAX)
      throw refuse(0, "list_too_large", `列表最多 ${ITEMS_MAX} 项`, "减少明细的行数");
    run.charge(found.length);
  }
  return found;
}
