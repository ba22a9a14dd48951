import { useQuery } from "@tanstack/react-query";
import { get } from "../../api/client";
import { useMay } from "../../api/me";
import type { Application } from "../customers/Documents";

/** Where others are at work, and what they do is not always told to whoever looks. */
const EVERY_MS = 5_000;
const MOVING = new Set(["in_approval", "granting"]);

/** One application; read again while others decide on it. */
export function useApplication(id: string | undefined) {
  return useQuery({
    queryKey: ["applications", id],
    queryFn: () =>
      get<Application>("/api/v1/applications/{application_id}", { path: { application_id: id ?? "" } }),
    enabled: Boolean(id),
    refetchInterval: ({ state }) => (state.data && MOVING.has(state.data.status) ? EVERY_MS : false),
  });
}

/** The run of the flow about an application that was handed in, the latest one; null where there is none yet. */
export function useInstanceOf(application: Application | undefined) {
  const may = useMay("instances.read");
  return useQuery({
    queryKey: ["instance", "of", application?.id, application?.status],
    queryFn: async () => {
      const found = await get<{ items: { id: string }[] }>("/api/v1/instances", {
        query: { subject_id: application?.id, "page[size]": 1 },
      });
      return found.items[0]?.id ?? null;
    },
    enabled: may && application !== undefined && application.status !== "draft",
    refetchInterval: ({ state }) => (state.data === null ? EVERY_MS / 5 : false),
  });
}
