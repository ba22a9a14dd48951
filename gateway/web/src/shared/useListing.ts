import { useInfiniteQuery } from "@tanstack/react-query";
import { get, type ReadPath } from "../api/client";

type Filters = Record<string, string | number | boolean | undefined>;
const PAGE = 100;

/** A list of the API, a page at a time (short ones come whole); filters that are empty are left out. */
export function useListing<Item>(
  path: ReadPath,
  filters: Filters = {},
  given: Record<string, string> = {},
  { paged = true } = {},
) {
  const asked = Object.fromEntries(
    Object.entries(filters).filter(([, value]) => value !== undefined && value !== ""),
  );
  return useInfiniteQuery({
    queryKey: ["list", path, given, asked],
    queryFn: ({ pageParam }) =>
      get<{ items: Item[]; next: string | null }>(path, {
        path: given,
        query: {
          ...(paged ? { "page[size]": PAGE } : {}),
          ...asked,
          ...(pageParam ? { "page[after]": pageParam } : {}),
        },
      }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next ?? undefined,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
  });
}

export type Listed<Item> = ReturnType<typeof useListing<Item>>;
