import { useQuery } from "@tanstack/react-query";
import { Select } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get } from "../api/client";
import { type Customer, useCustomer } from "../api/customers";

/** A customer's name, where all around it leads somewhere else. */
export function CustomerName({ id }: { id: string }) {
  return <>{useCustomer(id).data?.name ?? "…"}</>;
}

/** A customer's name, leading to its record. */
export function CustomerLink({ id }: { id: string }) {
  const found = useCustomer(id);
  return <Link to={`/customers/${id}`}>{found.data?.name ?? "…"}</Link>;
}

interface Props {
  id?: string;
  value?: string;
  onChange?: (id: string, customer: Customer | undefined) => void;
}

/** Choosing a customer by name, code or credit code. */
export function CustomerSelect({ id, value, onChange }: Props) {
  const { t } = useTranslation();
  const [text, setText] = useState("");
  const chosen = useCustomer(value);
  const found = useQuery({
    queryKey: ["search", text],
    queryFn: () =>
      get<{ items: Customer[] }>("/api/v1/customers", {
        query: { "page[size]": 30, ...(text ? { q: text } : {}) },
      }),
  });
  const items = found.data?.items ?? [];
  const missing = chosen.data && !items.some((each) => each.id === chosen.data.id) ? [chosen.data] : [];
  return (
    <Select
      {...(id ? { id } : {})}
      {...(value ? { value } : {})}
      onChange={(next) =>
        onChange?.(
          next,
          items.find((each) => each.id === next),
        )
      }
      showSearch={{ filterOption: false, onSearch: setText }}
      placeholder={t("search.hintShort")}
      loading={found.isFetching}
      options={[...missing, ...items].map((each) => ({
        value: each.id,
        label: `${each.name}（${each.code}）`,
      }))}
      style={{ width: "100%" }}
    />
  );
}
