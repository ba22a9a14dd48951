import { type QueryClient, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { session } from "./session";

const STREAM = "/api/v1/events/stream";
const CHANNEL = "credit.live";
const AGAIN_MS = 3_000;

export interface Waiting {
  open: number;
  kinds: Record<string, number>;
}
/** What may have changed for the person when they are told of either. */
const TOLD = {
  tasks: ["tasks", "instance", "applications"],
  notifications: ["notifications", "instance", "applications", "account", "customer"],
};

interface News {
  kind: "tasks" | "notifications";
  data: unknown;
}

/** What waits for the person, as last told by the stream. */
export function useWaiting(): Waiting {
  return useQuery<Waiting>({ queryKey: ["waiting"], enabled: false }).data ?? { open: 0, kinds: {} };
}

export function useUnread(): number {
  return useQuery<{ unread: number }>({ queryKey: ["unread"], enabled: false }).data?.unread ?? 0;
}

function take(known: QueryClient, { kind, data }: News): void {
  known.setQueryData([kind === "tasks" ? "waiting" : "unread"], data);
  for (const key of TOLD[kind]) known.invalidateQueries({ queryKey: [key] });
}

/** Listens for as long as its signal lasts; `tell` hears each piece of news. */
function listen(signal: AbortSignal, tell: (news: News) => void): void {
  if (signal.aborted) return;
  const source = new EventSource(STREAM);
  const stop = () => source.close();
  signal.addEventListener("abort", stop, { once: true });
  const again = () => {
    source.close();
    signal.removeEventListener("abort", stop);
    session.renew().then(
      (renewed) => (renewed || session.isOpen()) && setTimeout(() => listen(signal, tell), AGAIN_MS),
      () => setTimeout(() => listen(signal, tell), AGAIN_MS),
    );
  };
  for (const kind of ["tasks", "notifications"] as const) {
    source.addEventListener(kind, ({ data }) => tell({ kind, data: JSON.parse(data) }));
  }
  source.addEventListener("signed-out", again);
  // A stream that broke off comes back by itself; one that was refused does not.
  source.addEventListener("error", () => source.readyState === EventSource.CLOSED && again());
}

/**
 * Keeps what is shown as it is on the server. A browser opens few connections to one host: of its pages one holds
 * the stream and tells the others, and another takes over when it is closed.
 */
export function useLive(): void {
  const known = useQueryClient();
  useEffect(() => {
    const ending = new AbortController();
    const channel = new BroadcastChannel(CHANNEL);
    let latest: Partial<Record<News["kind"], News>> = {};
    const tell = (news: News) => {
      latest = { ...latest, [news.kind]: news };
      take(known, news);
      channel.postMessage(news);
    };
    let leading = false;
    const lead = () => {
      leading = true;
      listen(ending.signal, tell);
      return new Promise<void>((resolve) => ending.signal.addEventListener("abort", () => resolve()));
    };
    channel.onmessage = ({ data }: MessageEvent<News | "tell me">) => {
      if (data !== "tell me") take(known, data);
      else if (leading) for (const news of Object.values(latest)) channel.postMessage(news);
    };
    channel.postMessage("tell me");
    // Locks need https (or this machine): without them every page listens for itself.
    if (navigator.locks === undefined) lead();
    else navigator.locks.request(CHANNEL, { signal: ending.signal }, lead).catch(ignoreAbort);
    return () => {
      ending.abort();
      channel.close();
    };
  }, [known]);
}

function ignoreAbort(problem: unknown): void {
  if (!(problem instanceof DOMException && problem.name === "AbortError")) throw problem;
}
