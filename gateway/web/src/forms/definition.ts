import type { Tree } from "../expressions/index.js";

export interface Label {
  zh: string;
  en?: string;
}

interface Option {
  value: string;
  label: Label;
}

/** A field as the form's definition has it; which settings it has depends on its type. */
export interface FormField {
  key: string;
  type: string;
  label: Label;
  help?: Label;
  required?: boolean;
  read_only?: boolean;
  default?: unknown;
  options?: Option[];
  visible_when?: string | Tree;
  required_when?: string | Tree;
  formula?: string | Tree;
  default_formula?: string | Tree;
  max_length?: number;
  minimum?: string | number;
  maximum?: string | number;
  decimals?: number;
  unit?: string;
  stars?: number;
  columns?: FormField[];
  children?: FormField[];
  tabs?: { label: Label; children: FormField[] }[];
  text?: Label;
}

export interface FormDefinition {
  key: string;
  version: number;
  title: Label;
  fields: FormField[];
}

const LAYOUTS = new Set(["group", "columns", "tabs"]);

/** The fields in one row after the other, whatever they are laid out in. */
export function flat(fields: FormField[]): FormField[] {
  return fields.flatMap((field) => {
    if (!LAYOUTS.has(field.type)) return [field];
    const inner = [
      ...(field.children ?? []),
      ...(field.tabs ?? []).flatMap(({ children }) => children),
      ...(field.columns ?? []),
    ];
    return flat(inner);
  });
}

export function labelOf(label: Label | undefined, language: string): string {
  return (language === "en" ? label?.en : undefined) ?? label?.zh ?? "";
}
