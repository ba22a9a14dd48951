import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { api } from "./client";
import { useMay } from "./me";
import { ask } from "./problem";

export interface Task {
  id: string;
  instance_id: string;
  node: string;
  title: string;
  kind: string;
  state: string;
  action: string | null;
  opinion: string | null;
  due_at: string | null;
  created_at: string;
  subject: { type: string; id: string; key: string } | null;
  summary: Record<string, unknown> | null;
}

const EVERY_MS = 20_000;

/** One's own tasks, refreshed while somebody looks. */
export function useTasks(query: { state?: string; kind?: string }) {
  const may = useMay("tasks.read");
  return useQuery({
    queryKey: ["tasks", query],
    queryFn: async () => {
      const answer = await ask(api.GET("/api/v1/tasks", { params: { query: query as never } }));
      return (answer as unknown as { items: Task[] }).items;
    },
    enabled: may,
    refetchInterval: EVERY_MS,
  });
}

export function useOpenTasks() {
  return useTasks({ state: "open" });
}

export interface Decision {
  id: string;
  action: "approve" | "reject";
  opinion?: string;
  approved?: { amount?: string; currency?: string; term_days?: number };
}

/** Decides a task; every list of tasks is read anew after it. */
export function useDecide() {
  const known = useQueryClient();
  return useMutation({
    mutationFn: async ({ id, action, ...body }: Decision) => {
      const params = { path: { task_id: id }, header: { "Idempotency-Key": crypto.randomUUID() } };
      const sent = { params, body: body as never };
      return action === "approve"
        ? ask(api.POST("/api/v1/tasks/{task_id}:approve", sent as never))
        : ask(api.POST("/api/v1/tasks/{task_id}:reject", sent as never));
    },
    onSettled: () => known.invalidateQueries({ queryKey: ["tasks"] }),
  });
}
