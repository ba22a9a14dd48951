/** What the API says when it refuses (RFC 9457). */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    detail: string,
    readonly errors: FieldError[],
    readonly traceId: string,
    /** Whatever else the refusal tells, such as a credit decision. */
    readonly members: Record<string, unknown>,
  ) {
    super(detail);
  }
}

function text(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** A problem from the body of a refusal, whatever stands in it. */
export function toProblem(status: number, body: unknown): Problem {
  const given = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
  const errors = Array.isArray(given.errors) ? (given.errors as Record<string, unknown>[]) : [];
  return new Problem(
    status,
    text(given.code),
    text(given.detail),
    errors.map((error) => ({
      field: text(error.field),
      code: text(error.code),
      message: text(error.message),
    })),
    text(given.trace_id),
    given,
  );
}

/** What to tell a person of whatever went wrong: the reason, and the field's where it is one. */
export function told(problem: unknown, otherwise: string): string {
  if (!(problem instanceof Problem)) return otherwise;
  const fields = problem.errors.map((error) => error.message).filter((each) => each !== problem.message);
  return [problem.message || otherwise, ...fields].join("；");
}
