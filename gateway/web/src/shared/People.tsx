import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../api/client";

interface Somebody {
  username: string;
  name: string;
  department: string | null;
}

const NAMES_MAX = 100;
let waiting: Map<string, ((person: Somebody | undefined) => void)[]> | null = null;

async function askForNames(asked: NonNullable<typeof waiting>): Promise<void> {
  const usernames = [...asked.keys()];
  for (let start = 0; start < usernames.length; start += NAMES_MAX) {
    const some = usernames.slice(start, start + NAMES_MAX);
    const found = await get<{ items: Somebody[] }>("/api/v1/people", {
      query: { usernames: some.join(","), "page[size]": NAMES_MAX },
    }).catch(() => ({ items: [] as Somebody[] }));
    const known = new Map(found.items.map((person) => [person.username, person]));
    for (const username of some) for (const tell of asked.get(username) ?? []) tell(known.get(username));
  }
}

/** Those that a page asks for at once are asked for together. */
function personOf(username: string): Promise<Somebody | undefined> {
  if (waiting === null) {
    waiting = new Map();
    setTimeout(() => {
      const asked = waiting;
      waiting = null;
      if (asked) void askForNames(asked);
    });
  }
  return new Promise((resolve) => waiting?.set(username, [...(waiting.get(username) ?? []), resolve]));
}

/** Somebody's name, for their username. */
export function Person({ username }: { username: string | null | undefined }) {
  const found = useQuery({
    queryKey: ["person", username],
    queryFn: async () => (await personOf(username ?? "")) ?? null,
    enabled: Boolean(username),
    staleTime: Number.POSITIVE_INFINITY,
  });
  if (!username) return <>—</>;
  return <span title={username}>{found.data?.name ?? username}</span>;
}

interface SelectProps {
  several?: boolean;
  id?: string;
  /** What is chosen, where no label stands beside it. */
  label?: string;
  value?: string | string[];
  onChange?: (value: string | string[]) => void;
}

/** Choosing people, by name or username. */
export function PersonSelect({ several = false, label, ...rest }: SelectProps) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const found = useQuery({
    queryKey: ["people", text],
    queryFn: () =>
      get<{ items: Somebody[] }>("/api/v1/people", {
        query: { "page[size]": 30, ...(text ? { q: text } : {}) },
      }),
  });
  return (
    <Select
      {...rest}
      {...(label
        ? { "aria-label": label, placeholder: label, allowClear: true }
        : { placeholder: t("people.choose") })}
      {...(several ? { mode: "multiple" as const } : {})}
      showSearch={{ filterOption: false, onSearch: setText }}
      loading={found.isFetching}
      options={
        found.data?.items.map(({ username, name }) => ({
          value: username,
          label: `${name} (${username})`,
        })) ?? []
      }
      style={{ width: "100%" }}
    />
  );
}
