import { useCallback, useMemo } from "react";
import { useSearchParams } from "react-router";

/** The filters of a page, kept in its address: what is seen can be linked to, and back works. */
export function useFilters<Name extends string>(names: readonly Name[]) {
  const [place, setPlace] = useSearchParams();
  const filters = useMemo(
    () =>
      Object.fromEntries(names.map((name) => [name, place.get(name) ?? undefined])) as Record<
        Name,
        string | undefined
      >,
    [place, names],
  );
  const change = useCallback(
    (changed: Partial<Record<Name, string | undefined>>) =>
      setPlace((before) => {
        const next = new URLSearchParams(before);
        for (const [name, value] of Object.entries(changed) as [string, string | undefined][]) {
          if (value) next.set(name, value);
          else next.delete(name);
        }
        return next;
      }),
    [setPlace],
  );
  return [filters, change] as const;
}
