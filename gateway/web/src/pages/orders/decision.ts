/** A documented credit decision. Amounts are decimal text. */
export interface Decision {
  id: string;
  result: string;
  amount: string;
  currency: string;
  reasons: {
    code: string;
    message: string;
    strength: "block" | "approve" | "warn" | "ignore";
    pool?: string;
  }[];
  would_pass_if: {
    largest_amount?: string;
    payment_needed?: string;
    limit_needed?: string;
    invoices?: string[];
  };
  inputs: {
    limit: string | null;
    exposure: string;
    available: string | null;
    increase?: string;
    limit_state?: string;
    frozen?: boolean;
  };
  rules: { key: string; version: number; fired: boolean }[];
  business_date: string;
  decided_at: string;
  decided_by: string;
}
