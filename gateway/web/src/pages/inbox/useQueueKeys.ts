import { useEffect } from "react";

/** What the keys of a queue do: J and K go through it, A approves, R rejects. */
interface Keys {
  next?: () => void;
  previous?: () => void;
  approve?: (() => void) | undefined;
  reject?: (() => void) | undefined;
}

const NAMES: Record<string, keyof Keys> = { j: "next", k: "previous", a: "approve", r: "reject" };

function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest("input, textarea, select, [role=dialog]") !== null;
}

/** Listens to the keys of a queue while nobody types. */
export function useQueueKeys(keys: Keys): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
      const act = keys[NAMES[event.key.toLowerCase()] ?? "next"];
      if (NAMES[event.key.toLowerCase()] === undefined || act === undefined) return;
      event.preventDefault();
      act();
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  });
}
