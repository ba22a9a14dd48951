import { useQuery } from "@tanstack/react-query";
import { everyItem, get } from "../../api/client";
import type { Catalogue, Role } from "./draft";

export function useRoles() {
  return useQuery({ queryKey: ["roles", "full"], queryFn: () => everyItem<Role>("/api/v1/roles") });
}

export function useCatalogue() {
  return useQuery({
    queryKey: ["permissions"],
    queryFn: () => get<Catalogue>("/api/v1/admin/permissions"),
    staleTime: 300_000,
  });
}
