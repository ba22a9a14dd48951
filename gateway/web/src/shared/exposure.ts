import Decimal from "decimal.js";
import type { STAGES } from "../app/theme";

/** What is owed by stage where that is known, else its total alone. Decimal text. */
export interface Exposed {
  exposure: { reserved?: string; delivered?: string; receivable?: string; total: string };
  overdue?: string | null | undefined;
}

export interface Part {
  stage: keyof typeof STAGES;
  value: Decimal;
}

/** The stages of exposure, one after the other; what is overdue is taken out of the receivables. */
export function partsOf({ exposure, overdue }: Exposed): Part[] {
  const receivable = new Decimal(exposure.receivable ?? exposure.total);
  const late = Decimal.min(new Decimal(overdue ?? "0"), receivable);
  const parts: Part[] = [
    { stage: "reserved", value: new Decimal(exposure.reserved ?? "0") },
    { stage: "delivered", value: new Decimal(exposure.delivered ?? "0") },
    { stage: "receivable", value: receivable.minus(late) },
    { stage: "overdue", value: late },
  ];
  return parts.filter(({ value }) => value.gt(0));
}
