import { useSyncExternalStore } from "react";
import type { ThemeName } from "./theme";

const KEY = "credit.theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

function current(): ThemeName {
  const chosen = localStorage.getItem(KEY);
  if (chosen === "light" || chosen === "dark") return chosen;
  return system.matches ? "dark" : "light";
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  system.addEventListener("change", listener);
  return () => {
    listeners.delete(listener);
    system.removeEventListener("change", listener);
  };
}

/** Light or dark: as chosen here, else as the system says. */
export function useLook(): ThemeName {
  return useSyncExternalStore(subscribe, current);
}

export function switchLook(): void {
  localStorage.setItem(KEY, current() === "dark" ? "light" : "dark");
  for (const listener of listeners) listener();
}
