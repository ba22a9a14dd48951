import {
  DownloadOutlined,
  PlusOutlined,
  SettingOutlined,
  StarOutlined,
  UploadOutlined,
} from "@ant-design/icons";
import { Button, Checkbox, Dropdown, Flex, Input, Popover, Select, Space, type TableProps } from "antd";
import { useMemo, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useSearchParams } from "react-router";
import type { Customer } from "../../api/customers";
import { useMay, useMe } from "../../api/me";
import { Amount } from "../../shared/Amount";
import { QUIET } from "../../shared/icons";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { Grade, StateTag } from "../../shared/Tags";
import { useFilters } from "../../shared/useFilters";
import { useFormats } from "../../shared/useFormats";
import { useKept } from "../../shared/useKept";
import { useListing } from "../../shared/useListing";
import { termWord } from "../../shared/words";

const FILTERS = ["q", "region", "salesperson", "grade", "credit_status", "sort"] as const;
const GRADES = ["A", "B", "C", "D", "E"];
const STATES = ["amount", "unset", "frozen", "over-limit", "expired", "unlimited", "zero"];
const COLUMNS = ["name", "grade", "state", "limit", "term", "region", "salesperson", "updated"] as const;
type Column = (typeof COLUMNS)[number];

export default function Customers() {
  const { t } = useTranslation();
  const go = useNavigate();
  const mayCreate = useMay("customers.create");
  const mayImport = useMay("customers.import");
  const mayExport = useMay("customers.export");
  const [filters, change] = useFilters(FILTERS);
  const listed = useListing<Customer>("/api/v1/customers", filters);
  const [hidden, setHidden] = useKept<Column[]>("customers.hidden", []);
  const columns = useColumns().filter(({ key }) => !hidden.includes(key as Column));
  const filtered = FILTERS.some((name) => filters[name]);
  const query = new URLSearchParams(
    Object.entries(filters).filter((each): each is [string, string] => each[1] !== undefined),
  );
  return (
    <Page
      title={t("customers.title")}
      permission="customers.read"
      actions={
        <Space wrap>
          {mayExport && (
            <Button
              icon={<DownloadOutlined {...QUIET} />}
              href={`/api/v1/customers:export?${query}&format=xlsx`}
            >
              {t("customers.export")}
            </Button>
          )}
          {mayImport && (
            <Button icon={<UploadOutlined {...QUIET} />} onClick={() => go("/customers/import")}>
              {t("customers.import")}
            </Button>
          )}
          {mayCreate && (
            <Button type="primary" icon={<PlusOutlined {...QUIET} />} onClick={() => go("/customers/new")}>
              {t("customers.new")}
            </Button>
          )}
        </Space>
      }
    >
      <Flex gap={8} wrap style={{ marginBottom: 12 }}>
        <Input.Search
          allowClear
          placeholder={t("customers.search")}
          aria-label={t("customers.search")}
          defaultValue={filters.q ?? ""}
          onSearch={(q) => change({ q })}
          style={{ width: 260 }}
        />
        <Choice
          name="grade"
          options={GRADES.map((value) => ({ value, label: t("grade", { grade: value }) }))}
          filters={filters}
          change={change}
        />
        <Choice
          name="credit_status"
          options={STATES.map((value) => ({ value, label: t(`state.credit.${value}`) }))}
          filters={filters}
          change={change}
        />
        <Views />
        <Popover
          trigger="click"
          title={t("customers.columns")}
          content={
            <Checkbox.Group
              value={COLUMNS.filter((each) => !hidden.includes(each))}
              onChange={(shown) => setHidden(COLUMNS.filter((each) => !shown.includes(each)))}
              options={COLUMNS.map((value) => ({
                value,
                label: t(`customers.column.${value}`, { currency: "" }),
              }))}
              style={{ display: "grid" }}
            />
          }
        >
          <Button icon={<SettingOutlined {...QUIET} />}>{t("customers.columns")}</Button>
        </Popover>
      </Flex>
      <Listing
        listed={listed}
        columns={columns}
        rowKey="id"
        width={980}
        to={({ id }) => `/customers/${id}`}
        card={(customer) => <CustomerCard customer={customer} />}
        empty={
          filtered ? (
            t("customers.noneFound")
          ) : (
            <>
              <p>{t("customers.none")}</p>
              {mayCreate && <Link to="/customers/new">{t("customers.new")}</Link>}
            </>
          )
        }
      />
    </Page>
  );
}

interface ChoiceProps {
  name: "grade" | "credit_status";
  options: { value: string; label: string }[];
  filters: Record<string, string | undefined>;
  change: (changed: Record<string, string | undefined>) => void;
}

function Choice({ name, options, filters, change }: ChoiceProps) {
  const { t } = useTranslation();
  return (
    <Select
      allowClear
      aria-label={t(`customers.filter.${name}`)}
      placeholder={t(`customers.filter.${name}`)}
      {...(filters[name] ? { value: filters[name] } : {})}
      options={options}
      onChange={(value?: string) => change({ [name]: value })}
      style={{ width: 130 }}
    />
  );
}

interface View {
  name: string;
  place: string;
}

/** One's own views: a name for what is filtered and sorted now. */
function Views() {
  const { t } = useTranslation();
  const me = useMe();
  const [place, setPlace] = useSearchParams();
  const [views, setViews] = useKept<View[]>(`customers.views.${me.data?.user.username ?? ""}`, []);
  const [name, setName] = useState("");
  const items = [
    { key: "", label: t("customers.allCustomers"), onClick: () => setPlace({}) },
    ...views.map((view) => ({
      key: view.name,
      label: view.name,
      onClick: () => setPlace(new URLSearchParams(view.place)),
    })),
  ];
  const save = () => {
    setViews([...views.filter((view) => view.name !== name), { name, place: place.toString() }]);
    setName("");
  };
  return (
    <Space.Compact>
      <Dropdown menu={{ items, selectedKeys: [] }} trigger={["click"]}>
        <Button icon={<StarOutlined {...QUIET} />}>{t("customers.views")}</Button>
      </Dropdown>
      {place.size > 0 && (
        <Popover
          trigger="click"
          content={
            <Space.Compact>
              <Input
                value={name}
                aria-label={t("customers.viewName")}
                placeholder={t("customers.viewName")}
                onChange={({ target }) => setName(target.value)}
              />
              <Button type="primary" disabled={!name} onClick={save}>
                {t("customers.save")}
              </Button>
            </Space.Compact>
          }
        >
          <Button>{t("customers.saveView")}</Button>
        </Popover>
      )}
    </Space.Compact>
  );
}

function useColumns(): NonNullable<TableProps<Customer>["columns"]> {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const currency = useMe().data?.currency ?? "";
  return useMemo(
    () => [
      {
        key: "name",
        title: t("customers.column.name"),
        width: 260,
        render: (_, customer) => (
          <Link to={`/customers/${customer.id}`}>
            {customer.name} <small>{customer.code}</small>
          </Link>
        ),
      },
      {
        key: "grade",
        title: t("customers.column.grade"),
        width: 70,
        render: (_, { grade }) => <Grade grade={grade} />,
      },
      {
        key: "state",
        title: t("customers.column.state"),
        width: 100,
        render: (_, { credit_status }) => <StateTag kind="credit" state={credit_status} />,
      },
      {
        key: "limit",
        title: t("customers.column.limit", { currency }),
        width: 150,
        align: "right",
        render: (_, one) =>
          one.credit_unlimited ? (
            t("exposure.unlimited")
          ) : (
            <Amount
              value={one.credit_limit}
              currency={one.credit_currency === currency ? null : one.credit_currency}
            />
          ),
      },
      {
        key: "term",
        title: t("customers.column.term"),
        width: 110,
        render: (_, one) => termWord(t, one.payment_term_days),
      },
      { key: "region", title: t("customers.column.region"), width: 90, dataIndex: "region" },
      {
        key: "salesperson",
        title: t("customers.column.salesperson"),
        width: 100,
        render: (_, { salesperson }) => <Person username={salesperson} />,
      },
      {
        key: "updated",
        title: t("customers.column.updated"),
        width: 150,
        render: (_, { updated_at }) => instant(updated_at),
      },
    ],
    [t, instant, currency],
  );
}

function CustomerCard({ customer }: { customer: Customer }) {
  const { t } = useTranslation();
  return (
    <Flex vertical gap={4}>
      <Flex gap={8} align="center">
        <strong style={{ flex: 1 }}>{customer.name}</strong>
        <Grade grade={customer.grade} />
      </Flex>
      <Flex gap={8} align="center" wrap>
        <StateTag kind="credit" state={customer.credit_status} />
        {customer.credit_limit && (
          <Amount value={customer.credit_limit} currency={customer.credit_currency} strong />
        )}
        <span>{termWord(t, customer.payment_term_days)}</span>
        <small>{customer.code}</small>
      </Flex>
    </Flex>
  );
}
