import { Flex, Input, Segmented } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { Amount } from "../../shared/Amount";
import { CustomerLink, CustomerName } from "../../shared/CustomerLink";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { StateTag } from "../../shared/Tags";
import { useFilters } from "../../shared/useFilters";
import { useListing } from "../../shared/useListing";
import type { Order } from "../customers/Documents";

const FILTERS = ["status", "order_no"] as const;
const STATES = ["", "held", "reserved", "closed", "cancelled"];

/** Orders; those that were held are the worklist. */
export default function OrderList() {
  const { t } = useTranslation();
  const [filters, change] = useFilters(FILTERS);
  const listed = useListing<Order>("/api/v1/orders", filters);
  const link = ({ order_no }: Order) => `/orders/${encodeURIComponent(order_no)}`;
  const money = (key: "amount" | "reserved" | "delivered" | "invoiced", title: string) => ({
    key,
    title,
    width: 130,
    align: "right" as const,
    render: (_: unknown, one: Order) => <Amount value={one[key]} />,
  });
  return (
    <Page title={t("orders.title")} permission="orders.read">
      <Flex gap={8} wrap style={{ marginBottom: 12, overflow: "auto" }}>
        <Segmented
          value={filters.status ?? ""}
          onChange={(status) => change({ status })}
          options={STATES.map((value) => ({
            value,
            label: value === "" ? t("applications.all") : t(`state.order.${value}`),
          }))}
        />
        <Input.Search
          allowClear
          aria-label={t("customers.order.number")}
          placeholder={t("customers.order.number")}
          defaultValue={filters.order_no ?? ""}
          onSearch={(order_no) => change({ order_no })}
          style={{ width: 220 }}
        />
      </Flex>
      <Listing
        listed={listed}
        rowKey="id"
        width={1180}
        to={link}
        empty={t(filters.status === "held" ? "orders.noneHeld" : "orders.none")}
        columns={[
          {
            key: "order_no",
            title: t("customers.order.number"),
            width: 170,
            render: (_, one) => <Link to={link(one)}>{one.order_no}</Link>,
          },
          {
            key: "customer",
            title: t("customers.one"),
            width: 220,
            render: (_, { customer_id }) => <CustomerLink id={customer_id} />,
          },
          {
            key: "status",
            title: t("customers.column.state"),
            width: 100,
            render: (_, { status }) => <StateTag kind="order" state={status} />,
          },
          { key: "order_date", title: t("customers.order.date"), width: 110, dataIndex: "order_date" },
          { key: "currency", title: t("customers.currency"), width: 70, dataIndex: "currency" },
          money("amount", t("customers.order.amount")),
          money("reserved", t("exposure.reserved")),
          money("delivered", t("exposure.delivered")),
          money("invoiced", t("customers.order.invoiced")),
          {
            key: "salesperson",
            title: t("customers.salesperson"),
            width: 110,
            render: (_, { salesperson }) => <Person username={salesperson} />,
          },
        ]}
        card={(one) => (
          <Flex vertical gap={4}>
            <strong>{one.order_no}</strong>
            <CustomerName id={one.customer_id} />
            <Flex gap={8} wrap align="center">
              <StateTag kind="order" state={one.status} />
              <Amount value={one.amount} currency={one.currency} strong />
              <span>{one.order_date}</span>
            </Flex>
          </Flex>
        )}
      />
    </Page>
  );
}
