import type { TableProps } from "antd";
import { Flex } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Amount } from "../../shared/Amount";
import { Listing } from "../../shared/Listing";
import { StateTag } from "../../shared/Tags";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";
import { termWord } from "../../shared/words";

export interface Order {
  id: string;
  order_no: string;
  order_date: string;
  delivery_date: string | null;
  customer_id: string;
  salesperson: string | null;
  currency: string;
  status: string;
  amount: string;
  reserved: string;
  delivered: string;
  invoiced: string;
}

interface Invoice {
  id: string;
  invoice_no: string;
  order_no: string | null;
  currency: string;
  invoice_date: string;
  due_date: string;
  status: string;
  amount: string;
  open_amount: string;
}

export interface Application {
  id: string;
  number: string;
  customer_id: string;
  customer_name: string;
  customer_code: string;
  amount: string;
  currency: string;
  term_days: number | null;
  reason: string | null;
  status: string;
  initiator: string;
  approved: { amount?: string | null; currency?: string | null; term_days?: number | null } | null;
  instance_id: string | null;
  version: number;
  valid_from: string | null;
  valid_to: string | null;
  created_at: string;
}

const money = (key: string, title: string): NonNullable<TableProps["columns"]>[number] => ({
  key,
  title,
  width: 130,
  align: "right",
  render: (_, row: Record<string, string>) => <Amount value={row[key]} />,
});

/** A customer's orders with what became of each. */
export function Orders({ id }: { id: string }) {
  const { t } = useTranslation();
  const listed = useListing<Order>("/api/v1/orders", { customer_id: id });
  return (
    <Listing
      listed={listed}
      rowKey="id"
      width={980}
      to={({ order_no }) => `/orders/${encodeURIComponent(order_no)}`}
      empty={t("customers.empty.orders")}
      columns={[
        {
          key: "order_no",
          title: t("customers.order.number"),
          width: 180,
          render: (_, one) => <Link to={`/orders/${encodeURIComponent(one.order_no)}`}>{one.order_no}</Link>,
        },
        { key: "order_date", title: t("customers.order.date"), width: 110, dataIndex: "order_date" },
        {
          key: "status",
          title: t("customers.column.state"),
          width: 100,
          render: (_, { status }) => <StateTag kind="order" state={status} />,
        },
        { key: "currency", title: t("customers.currency"), width: 70, dataIndex: "currency" },
        money("amount", t("customers.order.amount")),
        money("reserved", t("exposure.reserved")),
        money("delivered", t("exposure.delivered")),
        money("invoiced", t("customers.order.invoiced")),
      ]}
      card={(one) => (
        <Flex vertical gap={4}>
          <strong>{one.order_no}</strong>
          <Flex gap={8} wrap>
            <StateTag kind="order" state={one.status} />
            <Amount value={one.amount} currency={one.currency} />
            <span>{one.order_date}</span>
          </Flex>
        </Flex>
      )}
    />
  );
}

/** A customer's invoices with what is open and when it is due. */
export function Invoices({ id }: { id: string }) {
  const { t } = useTranslation();
  const listed = useListing<Invoice>("/api/v1/invoices", { customer_id: id });
  return (
    <Listing
      listed={listed}
      rowKey="id"
      width={850}
      empty={t("customers.empty.invoices")}
      columns={[
        { key: "invoice_no", title: t("customers.invoice.number"), width: 180, dataIndex: "invoice_no" },
        { key: "order_no", title: t("customers.order.number"), width: 160, dataIndex: "order_no" },
        { key: "invoice_date", title: t("customers.invoice.date"), width: 110, dataIndex: "invoice_date" },
        { key: "due_date", title: t("customers.invoice.due"), width: 110, dataIndex: "due_date" },
        {
          key: "status",
          title: t("customers.column.state"),
          width: 100,
          render: (_, { status }) => <StateTag kind="invoice" state={status} />,
        },
        { key: "currency", title: t("customers.currency"), width: 70, dataIndex: "currency" },
        money("amount", t("customers.invoice.amount")),
        money("open_amount", t("customers.invoice.open")),
      ]}
      card={(one) => (
        <Flex vertical gap={4}>
          <strong>{one.invoice_no}</strong>
          <Flex gap={8} wrap>
            <StateTag kind="invoice" state={one.status} />
            <Amount value={one.open_amount} currency={one.currency} />
            <span>{t("customers.invoice.dueOn", { date: one.due_date })}</span>
          </Flex>
        </Flex>
      )}
    />
  );
}

/** A customer's applications for credit. */
export function Applications({ id }: { id: string }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const listed = useListing<Application>("/api/v1/applications", { customer_id: id });
  return (
    <Listing
      listed={listed}
      rowKey="id"
      width={780}
      to={(one) => `/applications/${one.id}`}
      empty={t("customers.empty.applications")}
      columns={[
        {
          key: "number",
          title: t("customers.application.number"),
          width: 160,
          render: (_, one) => <Link to={`/applications/${one.id}`}>{one.number}</Link>,
        },
        {
          key: "status",
          title: t("customers.column.state"),
          width: 100,
          render: (_, { status }) => <StateTag kind="application" state={status} />,
        },
        { key: "currency", title: t("customers.currency"), width: 70, dataIndex: "currency" },
        money("amount", t("customers.application.amount")),
        {
          key: "term",
          title: t("customers.column.term"),
          width: 110,
          render: (_, one) => termWord(t, one.term_days),
        },
        {
          key: "created_at",
          title: t("customers.application.at"),
          width: 150,
          render: (_, one) => instant(one.created_at),
        },
      ]}
      card={(one) => (
        <Flex vertical gap={4}>
          <strong>{one.number}</strong>
          <Flex gap={8} wrap>
            <StateTag kind="application" state={one.status} />
            <Amount value={one.amount} currency={one.currency} />
            <span>{termWord(t, one.term_days)}</span>
          </Flex>
        </Flex>
      )}
    />
  );
}
