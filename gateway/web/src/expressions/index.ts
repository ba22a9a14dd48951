// The expression language in the browser, for live forms: `parse` reads a text, `compile` makes a function of a
// record; meaning and limits are those of services/common/expressions, held to the same test vectors.

export { type Compiled, compile } from "./evaluate.js";
export { parse } from "./parser.js";
export { ExpressionError, type Problem } from "./problems.js";
export type { World } from "./run.js";
export type { Tree } from "./trees.js";
export {
  Day,
  type Declared,
  type Fields,
  fromJson,
  Instant,
  recordFromJson,
  toJson,
  type Value,
} from "./values.js";
