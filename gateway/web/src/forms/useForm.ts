import { useQuery } from "@tanstack/react-query";
import { get } from "../api/client";
import type { FormDefinition } from "./definition";

/** A form as it is in force. */
export function useForm(key: string) {
  return useQuery({
    queryKey: ["form", key],
    queryFn: () => get<FormDefinition>("/api/v1/forms/{key}", { path: { key } }),
    staleTime: 60_000,
  });
}
