import type { FormInstance } from "antd";
import { Problem } from "../api/problem";

/** Puts what the API says about fields at those fields; answers what belongs to none of them. */
export function showFieldErrors(form: FormInstance, problem: unknown): string | null {
  if (!(problem instanceof Problem)) return String(problem);
  const known = problem.errors.filter((error) => form.getFieldInstance(path(error.field)) !== undefined);
  form.setFields(known.map((error) => ({ name: path(error.field), errors: [error.message] })));
  return known.length > 0 ? null : problem.message;
}

function path(field: string): (string | number)[] {
  return field.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
