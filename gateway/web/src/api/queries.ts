import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./problem";

const RETRIES_MAX = 2;

/** Refusals stay refusals; only what is away for a moment is asked again. */
export function isWorthRetrying(failures: number, problem: Error): boolean {
  const passing = !(problem instanceof Problem) || problem.status === 503 || problem.status === 429;
  return passing && failures < RETRIES_MAX;
}

export const queries = new QueryClient({
  defaultOptions: { queries: { retry: isWorthRetrying, staleTime: 15_000, refetchOnWindowFocus: true } },
});
