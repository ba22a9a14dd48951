import type { ComponentType, ReactNode } from "react";

export type Group = "home" | "customers" | "credit" | "orders" | "collections" | "analysis" | "settings";

export interface PageEntry {
  /** Where it stands: below `/#`, with `:parameters`. */
  path: string;
  page: ComponentType;
  permission?: string;
  /** Its menu entry: its group, a key of the texts, an icon, and its place within the group. */
  menu?: { group: Group; text: string; icon: ReactNode; place: number };
  /** Its place in the phone's bottom bar, from 1; some stand only there. */
  phone?: number;
  phoneOnly?: boolean;
}

/** Every folder below `pages` says in its `pages.tsx` which pages it has; each is loaded when it is visited. */
const FOUND = import.meta.glob<PageEntry[]>("../pages/*/pages.tsx", { eager: true, import: "PAGES" });

export const PAGES: PageEntry[] = Object.values(FOUND).flat();
export const GROUPS: Group[] = [
  "home",
  "customers",
  "credit",
  "orders",
  "collections",
  "analysis",
  "settings",
];

/** The groups of the menu with the pages in them that somebody with these rights may visit. */
export function menuOf(permissions: string[]): { group: Group; entries: PageEntry[] }[] {
  const allowed = PAGES.filter(
    ({ menu, permission }) => menu && (permission === undefined || permissions.includes(permission)),
  );
  return GROUPS.map((group) => ({
    group,
    entries: allowed
      .filter(({ menu }) => menu?.group === group)
      .sort((one, other) => (one.menu?.place ?? 0) - (other.menu?.place ?? 0)),
  })).filter(({ entries }) => entries.length > 0);
}
