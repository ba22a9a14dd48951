import { useQuery } from "@tanstack/react-query";
import { get } from "./client";

export interface Contact {
  name: string;
  title?: string | null;
  phone?: string | null;
  mobile?: string | null;
  email?: string | null;
  primary?: boolean;
}

export interface Customer {
  id: string;
  code: string;
  name: string;
  uscc: string | null;
  group_id: string | null;
  region: string | null;
  salesperson: string | null;
  department: string | null;
  contacts: Contact[];
  fields: Record<string, unknown>;
  version: number;
  created_at: string;
  updated_at: string;
  credit_status: string | null;
  credit_limit: string | null;
  credit_unlimited: boolean;
  credit_currency: string | null;
  payment_term_days: number | null;
  grade: string | null;
}

export interface Exposure {
  reserved: string;
  delivered: string;
  receivable: string;
  total: string;
}

export interface Pool {
  kind: string;
  key: string;
  segment: string | null;
  currency: string;
  state: string;
  limit: string | null;
  guaranteed: string;
  unlimited: boolean;
  exposure: Exposure;
  available: string | null;
  utilisation: string | null;
  overdue: { amount: string; max_days: number };
}

export interface Account extends Pool {
  customer_id: string;
  frozen: boolean;
  freezes: { source: string; reason: string; at?: string }[];
  payment_term_days: number | null;
  business_date: string;
  pools: Pool[];
}

/** One customer, by id or code. */
export function useCustomer(id: string | undefined) {
  return useQuery({
    queryKey: ["customer", id],
    queryFn: () => get<Customer>("/api/v1/customers/{customer_id}", { path: { customer_id: id ?? "" } }),
    enabled: Boolean(id),
  });
}

/** How a customer's credit stands, today or on a date ("2026-03-01"). */
export function useAccount(id: string | undefined, asOf?: string) {
  return useQuery({
    queryKey: ["account", id, asOf],
    queryFn: () =>
      get<Account>("/api/v1/credit-accounts/{customer_id}", {
        path: { customer_id: id ?? "" },
        query: asOf ? { as_of: asOf } : {},
      }),
    enabled: Boolean(id),
  });
}
