import {
  compile,
  type Declared,
  ExpressionError,
  type Fields,
  parse,
  recordFromJson,
  type Tree,
  toJson,
  type World,
} from "../expressions/index.js";
import { type FormField, flat } from "./definition";

/** How the values of a field's type are declared to the expression language. */
const DECLARED: Record<string, Declared> = {
  number: "number",
  money: "number",
  percent: "number",
  rating: "number",
  slider: "number",
  switch: "bool",
  date: "date",
  year_month: "date",
  datetime: "datetime",
};

function declaredOf(field: FormField): Declared {
  if (field.type === "sub_table") {
    return Object.fromEntries((field.columns ?? []).map((column) => [column.key, declaredOf(column)]));
  }
  if (field.type === "formula") return (field as { result?: Declared }).result ?? "number";
  return DECLARED[field.type] ?? "text";
}

export interface State {
  visible: boolean;
  required: boolean;
}

export interface Live {
  states: Record<string, State>;
  /** What the formulas give, by their fields' keys. */
  computed: Record<string, unknown>;
}

type Condition = string | Tree | undefined;

/**
 * How a form stands for these values: which fields are seen and needed, and what its formulas give, computed here
 * by the same language that the server uses. What cannot be computed yet, as it reads what is missing, is left to
 * the server.
 */
export function liveOf(fields: FormField[], values: Record<string, unknown>, world: World): Live {
  const all = flat(fields);
  const declared = Object.fromEntries(all.map((field) => [field.key, declaredOf(field)]));
  const known: Record<string, unknown> = { ...values };
  const computed: Record<string, unknown> = {};
  const value = (expression: Condition): unknown => {
    if (expression === undefined) return undefined;
    try {
      const tree = typeof expression === "string" ? parse(expression) : expression;
      const record: Fields = recordFromJson(known, declared);
      return toJson(compile(tree)(record, world));
    } catch (problem) {
      if (problem instanceof ExpressionError || problem instanceof RangeError) return undefined;
      throw problem;
    }
  };
  // A formula may read another that stands below it: after as many rounds as there are formulas all are known.
  const formulas = all.filter(({ formula }) => formula !== undefined);
  for (let round = 0; round < formulas.length; round += 1) {
    const before = JSON.stringify(computed);
    for (const field of formulas) {
      computed[field.key] = value(field.formula) ?? null;
      known[field.key] = computed[field.key];
    }
    if (JSON.stringify(computed) === before) break;
  }
  const states = Object.fromEntries(
    all.map((field) => [
      field.key,
      {
        visible: value(field.visible_when) !== false,
        required: field.required === true || value(field.required_when) === true,
      },
    ]),
  );
  return { states, computed };
}
