import { useQueryClient } from "@tanstack/react-query";
import { useNavigate } from "react-router";
import { session } from "../../api/session";

/** What a step of signing in answers: the session, or what is asked next. */
export interface Step {
  csrf_token?: string;
  second_factor?: "confirmed" | "needed";
  ticket?: string;
  recovery_codes?: string[];
}

/** Only a place within this application. */
export function safePlace(place: string | null): string {
  return place?.startsWith("/") && !place.startsWith("//") ? place : "/";
}

/** Goes in, to where the person wanted to go. */
export function useGoIn(): (place: string | null) => void {
  const go = useNavigate();
  const known = useQueryClient();
  return (place) => {
    known.clear();
    session.begun();
    go(safePlace(place), { replace: true });
  };
}
