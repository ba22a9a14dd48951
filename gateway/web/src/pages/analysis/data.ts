import { amount, percent } from "../../shared/formats";

export interface Measure {
  key: string;
  label: string;
  unit: "amount" | "ratio" | "days" | "count";
}

/** A row of an answer: dimensions, measures as decimal text, and the currency of its amounts. */
export type Row = Record<string, string | number | null>;

export interface QueryData {
  as_of: string;
  measures: Measure[];
  dimensions: { key: string; label: string }[];
  rows: Row[];
  pivot?: {
    columns: string[];
    rows: { key: Record<string, string | null>; currency: string | null; cells: Record<string, Row> }[];
  };
}

/** A measure as people read it, by its unit. */
export function measured(measure: Measure, value: string | number | null | undefined): string {
  if (value === null || value === undefined) return "—";
  if (measure.unit === "amount") return amount(String(value));
  if (measure.unit === "ratio") return percent(String(value));
  return String(value);
}
