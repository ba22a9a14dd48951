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
  );
}

/** The data of an answer; throws `Problem` where the API refused. */
export async function ask<Data>(
  asked: Promise<{ data?: Data; error?: unknown; response: Response }>,
): Promise<Data> {
  const { data, error, response } = await asked;
  if (!response.ok) throw toProblem(response.status, error);
  return data as Data;
}
