import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useSyncExternalStore } from "react";
import { get, post } from "./client";
import { session } from "./session";

export interface Me {
  user: { id: string; username: string; name: string; department: string | null };
  roles: string[];
  permissions: string[];
  timezone: string;
  currency: string;
}

export function useSession(): boolean {
  return useSyncExternalStore(session.subscribe, session.isOpen);
}

/** Who is signed in, with their rights; asked once a session. */
export function useMe() {
  const open = useSession();
  return useQuery({
    queryKey: ["me"],
    queryFn: () => get<Me>("/api/v1/me"),
    enabled: open,
    staleTime: Number.POSITIVE_INFINITY,
  });
}

/** Whether the person may do something; false until it is known. */
export function useMay(permission: string | undefined): boolean {
  const me = useMe();
  return permission === undefined || (me.data?.permissions.includes(permission) ?? false);
}

/** Ends the session here and on the server; nothing that was read stays in memory. */
export function useSignOut(): () => Promise<void> {
  const known = useQueryClient();
  return async () => {
    try {
      await post("/api/v1/auth/logout");
    } finally {
      session.end();
      known.clear();
    }
  };
}
