// What can be wrong with an expression, and how large one may be; the twin of problems.py.

export const TEXT_LENGTH_MAX = 10_000;
export const TOKENS_MAX = 2_000;
export const NESTING_MAX = 60;
export const DEPTH_MAX = 100;
export const NAME_LENGTH_MAX = 200;
export const VALUE_LENGTH_MAX = 100_000;
export const ITEMS_MAX = 10_000;
export const STEPS_MAX = 50_000;

export interface Problem {
  position: number;
  code: string;
  message: string;
  suggestion: string;
}

/** Mistakes in an expression, or what it cannot be computed for. */
export class ExpressionError extends Error {
  readonly errors: readonly Problem[];

  constructor(errors: readonly Problem[]) {
    super(errors.map((error) => error.message).join("; "));
    this.errors = errors;
  }
}

export function refuse(position: number, code: string, message: string, suggestion: string): ExpressionError {
  return new ExpressionError([{ position, code, message, suggestion }]);
}
