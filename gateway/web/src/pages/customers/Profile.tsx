import { useQuery } from "@tanstack/react-query";
import { Card, Col, Empty, Row, Statistic, Timeline, Typography } from "antd";
import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../../api/client";
import { Amount } from "../../shared/Amount";
import { Chart } from "../../shared/Chart";
import { DataTable } from "../../shared/DataTable";
import { amount, percent } from "../../shared/formats";
import { Page } from "../../shared/Page";
import { useFormats } from "../../shared/useFormats";

interface Behaviour {
  currency: string;
  receivable_open: string;
  overdue_amount: string;
  on_time_rate: string | null;
  weighted_days_late: string | null;
  dso: string | null;
}

interface ProfileData {
  business_date: string;
  account: { currency: string } | null;
  orders: {
    count: number;
    per_month: string | null;
    average_value: Record<string, string>;
    by_month: { month: string; currency: string; orders: number; amount: string }[];
  };
  behaviour: Behaviour[];
  open_items: {
    id: string;
    invoice_no: string;
    currency: string;
    invoice_date: string;
    due_date: string;
    amount: string;
    open_amount: string;
  }[];
  credit_history: {
    id: string;
    amount: string | null;
    currency: string;
    change: string;
    valid_from: string;
    reason: string | null;
  }[];
  freezes: { event_id: string; action: string; reason: string; business_date: string }[];
}

const SHOWN_MAX = 8;

/** The 360° profile: how a customer buys, how it pays, and what was decided about it. */
export default function Profile({ id }: { id: string }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["profile", id],
    queryFn: () => get<ProfileData>("/api/v1/customers/{customer_id}/profile", { path: { customer_id: id } }),
  });
  if (found.isPending || found.error) {
    return <Page title="" loading={found.isPending} problem={found.error} retry={found.refetch} />;
  }
  const { orders, behaviour, open_items, business_date } = found.data;
  return (
    <Row gutter={[16, 16]}>
      <Col xs={24}>
        <Figures orders={orders} behaviour={behaviour} />
      </Col>
      <Col xs={24} lg={12}>
        <Card size="small" title={t("customers.profile.byMonth")}>
          {orders.by_month.length === 0 ? (
            <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("customers.empty.orders")} />
          ) : (
            <ByMonth months={orders.by_month} />
          )}
        </Card>
      </Col>
      <Col xs={24} lg={12}>
        <Card size="small" title={t("customers.profile.decided")}>
          <Decided data={found.data} />
        </Card>
      </Col>
      <Col xs={24}>
        <Card size="small" title={t("customers.profile.openItems")}>
          <DataTable
            rowKey="id"
            dataSource={open_items}
            scroll={{ x: 640 }}
            locale={{ emptyText: t("customers.empty.openItems") }}
            columns={[
              { title: t("customers.invoice.number"), dataIndex: "invoice_no" },
              { title: t("customers.invoice.date"), dataIndex: "invoice_date" },
              {
                title: t("customers.invoice.due"),
                render: (_, one) => (
                  <Typography.Text type={one.due_date < business_date ? "danger" : undefined}>
                    {one.due_date}
                    {one.due_date < business_date && ` ${t("customers.late")}`}
                  </Typography.Text>
                ),
              },
              { title: t("customers.currency"), dataIndex: "currency" },
              {
                title: t("customers.invoice.amount"),
                align: "right",
                render: (_, one) => <Amount value={one.amount} />,
              },
              {
                title: t("customers.invoice.open"),
                align: "right",
                render: (_, one) => <Amount value={one.open_amount} strong />,
              },
            ]}
          />
        </Card>
      </Col>
    </Row>
  );
}

function Figures({ orders, behaviour }: Pick<ProfileData, "orders" | "behaviour">) {
  const { t } = useTranslation();
  const [pays] = behaviour;
  const [average] = Object.entries(orders.average_value);
  const figures = [
    { title: t("customers.profile.count"), value: String(orders.count) },
    { title: t("customers.profile.perMonth"), value: orders.per_month ?? "—" },
    { title: t("customers.profile.average", { currency: average?.[0] ?? "" }), value: amount(average?.[1]) },
    { title: t("customers.profile.onTime"), value: percent(pays?.on_time_rate) },
    { title: t("customers.profile.daysLate"), value: pays?.weighted_days_late ?? "—" },
    { title: t("customers.profile.dso"), value: pays?.dso ?? "—" },
  ];
  return (
    <Card size="small">
      <Row gutter={[16, 12]}>
        {figures.map(({ title, value }) => (
          <Col key={title} xs={12} md={8} xl={4}>
            <Statistic title={title} value={value} />
          </Col>
        ))}
      </Row>
    </Card>
  );
}

function ByMonth({ months }: { months: ProfileData["orders"]["by_month"] }) {
  const { t } = useTranslation();
  const { chartNumber } = useFormats();
  const option = useMemo(
    () => ({
      grid: { left: 8, right: 8, top: 36, bottom: 4, containLabel: true },
      legend: { top: 0 },
      tooltip: { trigger: "axis" },
      xAxis: { type: "category", data: months.map(({ month }) => month) },
      yAxis: [
        { type: "value", axisLabel: { formatter: chartNumber } },
        { type: "value", minInterval: 1, splitLine: { show: false } },
      ],
      series: [
        {
          name: t("customers.order.amount"),
          type: "bar",
          data: months.map((each) => Number(each.amount)),
          barMaxWidth: 28,
        },
        {
          name: t("customers.profile.count"),
          type: "line",
          yAxisIndex: 1,
          data: months.map((each) => each.orders),
        },
      ],
    }),
    [months, t, chartNumber],
  );
  return (
    <Chart
      label={t("customers.profile.byMonth")}
      option={option}
      table={{
        columns: [
          { key: "month", title: t("customers.profile.month") },
          { key: "orders", title: t("customers.profile.count"), right: true },
          { key: "amount", title: t("customers.order.amount"), right: true },
        ],
        rows: months.map((each) => ({
          month: each.month,
          orders: String(each.orders),
          amount: `${each.currency} ${amount(each.amount)}`,
        })),
      }}
    />
  );
}

/** Limits that were granted and freezes, newest first. */
function Decided({ data }: { data: ProfileData }) {
  const { t } = useTranslation();
  const lines = [
    ...data.credit_history.map((grant) => ({
      key: grant.id,
      day: grant.valid_from,
      color: "blue",
      text: `${t("customers.profile.granted")} ${grant.currency} ${amount(grant.amount)}`,
      reason: grant.reason,
    })),
    ...data.freezes.map((freeze) => ({
      key: freeze.event_id,
      day: freeze.business_date,
      color: freeze.action === "customer_frozen" ? "red" : "green",
      text: t(`customers.profile.${freeze.action}`),
      reason: freeze.reason,
    })),
  ].sort((one, other) => other.day.localeCompare(one.day));
  if (lines.length === 0)
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("customers.empty.grants")} />;
  return (
    <div style={{ paddingTop: 8 }}>
      <Timeline
        items={lines.slice(0, SHOWN_MAX).map(({ key, day, color, text, reason }) => ({
          key,
          color,
          content: (
            <>
              {day} <strong>{text}</strong> <Typography.Text type="secondary">{reason}</Typography.Text>
            </>
          ),
        }))}
      />
    </div>
  );
}
