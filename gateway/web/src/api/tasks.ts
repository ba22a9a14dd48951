import { useInfiniteQuery, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { get, post } from "./client";
import { useMay } from "./me";

export interface Approved {
  amount?: string | null;
  currency?: string | null;
  term_days?: number | null;
  valid_from?: string | null;
  valid_to?: string | null;
}

/** What one needs to decide: what is asked, and how the customer stands. Amounts are decimal text. */
export interface Summary {
  customer: string | null;
  amount: string | null;
  currency: string | null;
  term_days: number | null;
  approved: Approved | null;
  reason: string | null;
  limit: string | null;
  exposure: string | null;
  available: string | null;
  overdue: { amount: string; max_days: number } | null;
  state: string | null;
  grade: string | null;
}

export interface Task {
  id: string;
  instance_id: string | null;
  node: string;
  title: string;
  assignee: string;
  kind: "approval" | "handling" | "cc" | "todo" | "consult";
  state: string;
  action: string | null;
  opinion: string | null;
  due_at: string | null;
  created_at: string;
  closed_at: string | null;
  customer_id: string | null;
  subject: { type: string; id: string; key: string } | null;
  summary: Summary;
}

/** A task as its node lets one act on it. */
export interface TaskInFull extends Task {
  actions?: string[];
  signature?: string | null;
}

interface Page_<Item> {
  items: Item[];
  next: string | null;
}

const PAGE = 50;

/** One's own tasks, newest first, a page at a time; the live stream has them read anew. */
export function useTasks(query: { state?: string; kind?: string }) {
  const may = useMay("tasks.read");
  return useInfiniteQuery({
    queryKey: ["tasks", query],
    queryFn: ({ pageParam }) =>
      get<Page_<Task>>("/api/v1/tasks", {
        query: { ...query, "page[size]": PAGE, ...(pageParam ? { "page[after]": pageParam } : {}) },
      }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next ?? undefined,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
    enabled: may,
  });
}

export function useTask(id: string) {
  return useQuery({
    queryKey: ["tasks", "one", id],
    queryFn: () => get<TaskInFull>("/api/v1/tasks/{task_id}", { path: { task_id: id } }),
  });
}

export const TASK_ACTIONS = [
  "approve",
  "reject",
  "return",
  "transfer",
  "delegate",
  "add-sign",
  "cc",
  "comment",
  "urge",
] as const;
export type TaskAction = (typeof TASK_ACTIONS)[number];

/** Marks a to-do as done. */
export function useFinishTodo() {
  const known = useQueryClient();
  return useMutation({
    mutationFn: (id: string) => post("/api/v1/todos/{task_id}:done", { path: { task_id: id } }),
    onSettled: () => known.invalidateQueries({ queryKey: ["tasks"] }),
  });
}
