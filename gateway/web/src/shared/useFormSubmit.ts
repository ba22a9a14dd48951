import { useMutation } from "@tanstack/react-query";
import type { FormInstance } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Problem, told } from "../api/problem";

type Values = Record<string, unknown>;

/** Sends a form; what the API says about fields goes to those fields, the rest is answered as `problem`. */
export function useFormSubmit<Answer>(
  form: FormInstance,
  send: (values: Values) => Promise<Answer>,
  done: (answer: Answer) => void,
) {
  const { t } = useTranslation();
  const [problem, setProblem] = useState<string | null>(null);
  const sending = useMutation({
    mutationFn: send,
    onMutate: () => setProblem(null),
    onSuccess: done,
    onError: (failure) => setProblem(showFieldErrors(form, failure, t("page.failed"))),
  });
  return { submit: (values: Values) => sending.mutate(values), pending: sending.isPending, problem };
}

function showFieldErrors(form: FormInstance, failure: unknown, otherwise: string): string | null {
  if (!(failure instanceof Problem)) return otherwise;
  const known = failure.errors.filter((error) => form.getFieldInstance(path(error.field)) !== undefined);
  form.setFields(known.map((error) => ({ name: path(error.field), errors: [error.message] })));
  return known.length > 0 && known.length === failure.errors.length ? null : told(failure, otherwise);
}

function path(field: string): (string | number)[] {
  return field.split(".").map((part) => (/^\d+$/.test(part) ? Number(part) : part));
}
