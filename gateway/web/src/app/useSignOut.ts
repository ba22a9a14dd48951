import { useQueryClient } from "@tanstack/react-query";
import { api } from "../api/client";
import { session } from "../api/session";

/** Ends the session here and on the server; nothing that was read stays in memory. */
export function useSignOut(): () => Promise<void> {
  const known = useQueryClient();
  return async () => {
    try {
      await api.POST("/api/v1/auth/logout");
    } finally {
      session.end();
      known.clear();
    }
  };
}
