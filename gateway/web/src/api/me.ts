import { useQuery } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { api } from "./client";
import { ask } from "./problem";
import { session } from "./session";

export interface Me {
  user: { id: string; username: string; name: string; department: string | null };
  roles: string[];
  permissions: string[];
}

export function useToken(): string | null {
  return useSyncExternalStore(session.subscribe, session.token);
}

/** Who is signed in, with their rights; asked once a session. */
export function useMe() {
  const token = useToken();
  return useQuery({
    queryKey: ["me", token],
    queryFn: () => ask(api.GET("/api/v1/me")) as Promise<unknown> as Promise<Me>,
    enabled: token !== null,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Whether the person may do something; false until it is known. */
export function useMay(permission: string | undefined): boolean {
  const me = useMe();
  return permission === undefined || (me.data?.permissions.includes(permission) ?? false);
}
