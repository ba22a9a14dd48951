// What a function of the language is to its evaluation; its documentation and its types are the server's.

import type { Run } from "./run.js";
import type { Value } from "./values.js";

export interface Definition {
  apply: (run: Run, ...values: Value[]) => Value;
  /** With an argument of null the result is null (or false): unless this is false. */
  strict?: boolean;
  /** It answers yes or no, so null is no. */
  asks?: boolean;
}

export type Functions = Readonly<Record<string, Definition>>;
