import { useQuery, useQueryClient } from "@tanstack/react-query";
import { everyItem, get } from "../../api/client";
import { useMay } from "../../api/me";

export interface Leave {
  from: string;
  until: string;
  stand_in: string | null;
}

export interface User {
  id: string;
  username: string;
  name: string;
  email: string | null;
  department: string | null;
  position: string | null;
  roles: string[];
  active: boolean;
  leave: Leave | null;
  version: number;
  created_at?: string;
}

interface Named {
  key: string;
  label: string;
}

/** The roles there are, by key; for those who may see roles. */
export function useRoleLabels() {
  const may = useMay("admin.roles");
  return useQuery({
    queryKey: ["roles", "labels"],
    queryFn: () => everyItem<Named>("/api/v1/roles"),
    enabled: may,
  });
}

export function usePositions() {
  const may = useMay("admin.departments");
  return useQuery({
    queryKey: ["positions"],
    queryFn: () => everyItem<{ code: string; name: string }>("/api/v1/positions"),
    enabled: may,
  });
}

export function useUser(username: string | undefined) {
  return useQuery({
    queryKey: ["user", username],
    queryFn: () => get<User>("/api/v1/users/{key}", { path: { key: username ?? "" } }),
    enabled: Boolean(username),
  });
}

/** Has lists and names read anew after a user has changed. */
export function useUsersChanged(): () => Promise<unknown> {
  const known = useQueryClient();
  return () =>
    Promise.all([
      known.invalidateQueries({ queryKey: ["list", "/api/v1/users"] }),
      known.invalidateQueries({ queryKey: ["user"] }),
      known.invalidateQueries({ queryKey: ["person"] }),
      known.invalidateQueries({ queryKey: ["people"] }),
    ]);
}
