import { useQuery } from "@tanstack/react-query";
import { Card, Col, Empty, Flex, Row, Statistic, Tabs, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useNavigate, useSearchParams } from "react-router";
import { get } from "../../api/client";
import { CustomerSelect } from "../../shared/CustomerLink";
import { Page } from "../../shared/Page";
import Profile from "../customers/Profile";
import { type Row as DataRow, type Measure, measured, type QueryData } from "./data";
import { LineWidget } from "./LineWidget";
import { PieWidget } from "./PieWidget";
import { PivotWidget } from "./PivotWidget";
import { TableWidget } from "./TableWidget";

interface Widget {
  key: string;
  type: "pie" | "kpi" | "line" | "bar" | "pivot" | "table" | "profile";
  title: string;
  data: QueryData | DataRow[] | null;
}

interface DashboardData {
  key: string;
  title: string;
  as_of: string;
  widgets: Widget[];
}

const FIRST = "credit-overview";
const PROFILE = "customer-profile";

/** The company's dashboards, each with the business date on which its figures stand. */
export default function Dashboards() {
  const { t } = useTranslation();
  const [place, setPlace] = useSearchParams();
  const key = place.get("board") ?? FIRST;
  const boards = useQuery({
    queryKey: ["dashboards"],
    queryFn: () => get<{ items: { key: string; title: string }[] }>("/api/v1/dashboards"),
  });
  const items = boards.data?.items ?? [];
  // The overview first, whatever else the company has made.
  const sorted = [...items].sort((one, other) => Number(other.key === FIRST) - Number(one.key === FIRST));
  return (
    <Page
      title={t("analysis.title")}
      permission="dashboards.read"
      loading={boards.isPending}
      problem={boards.error}
      retry={boards.refetch}
      empty={boards.data && items.length === 0 ? t("analysis.none") : undefined}
    >
      <Tabs
        activeKey={key}
        onChange={(board) => setPlace({ board })}
        items={sorted.map((board) => ({ key: board.key, label: board.title }))}
      />
      <Board key={key} board={key} />
    </Page>
  );
}

function Board({ board }: { board: string }) {
  const { t } = useTranslation();
  const [place, setPlace] = useSearchParams();
  const customer = place.get("customer") ?? undefined;
  const needsCustomer = board === PROFILE;
  const found = useQuery({
    queryKey: ["dashboard", board, customer],
    queryFn: () =>
      get<DashboardData>("/api/v1/dashboards/{dashboard}/data", {
        path: { dashboard: board },
        query: customer ? { customer_id: customer } : {},
      }),
    enabled: !needsCustomer || customer !== undefined,
  });
  const choose = needsCustomer && (
    <div style={{ maxWidth: 420, marginBottom: 12 }}>
      <CustomerSelect
        {...(customer ? { value: customer } : {})}
        onChange={(id) => setPlace({ board, customer: id })}
      />
    </div>
  );
  if (needsCustomer && customer === undefined) {
    return (
      <>
        {choose}
        <Empty description={t("analysis.chooseCustomer")} style={{ padding: 48 }} />
      </>
    );
  }
  if (found.isPending || found.error) {
    return <Page title="" loading={found.isPending} problem={found.error} retry={found.refetch} />;
  }
  return (
    <>
      {choose}
      <Typography.Paragraph type="secondary">
        {t("analysis.asOf", { date: found.data.as_of })}
      </Typography.Paragraph>
      <Row gutter={[16, 16]}>
        {found.data.widgets.map((widget) => (
          <Col
            key={widget.key}
            xs={24}
            lg={widget.type === "pie" || widget.type === "line" ? 12 : 24}
            order={ORDER[widget.type] ?? 3}
          >
            <Card size="small" title={widget.title}>
              <WidgetBody widget={widget} customer={customer} />
            </Card>
          </Col>
        ))}
      </Row>
    </>
  );
}

/** Figures first, then pictures, then tables. */
const ORDER: Record<string, number> = { kpi: 1, pie: 2, line: 2 };

function WidgetBody({ widget, customer }: { widget: Widget; customer: string | undefined }) {
  const { t } = useTranslation();
  const { data } = widget;
  if (widget.type === "profile") return customer ? <Profile id={customer} /> : null;
  if (data === null) return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("analysis.noData")} />;
  if (Array.isArray(data)) return <LineWidget title={widget.title} rows={data} />;
  if (data.rows.length === 0)
    return <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("analysis.noData")} />;
  switch (widget.type) {
    case "kpi":
      return <Figures data={data} />;
    case "pie":
      return <PieWidget title={widget.title} data={data} />;
    case "pivot":
      return <PivotWidget data={data} />;
    case "line":
    case "bar":
      return <LineWidget title={widget.title} rows={data.rows} measures={data.measures} />;
    default:
      return <TableWidget data={data} />;
  }
}

function Figures({ data }: { data: QueryData }) {
  const go = useNavigate();
  const to = (measure: Measure) =>
    measure.key.startsWith("overdue") ? "/analysis?board=aging" : "/customers";
  return (
    <Flex vertical gap={12}>
      {data.rows.map((row) => (
        <Row key={String(row.currency)} gutter={[16, 12]}>
          {data.measures.map((measure) => (
            <Col key={measure.key} xs={12} md={8} xl={4}>
              <button
                type="button"
                onClick={() => go(to(measure))}
                style={{ all: "unset", cursor: "pointer", display: "block" }}
              >
                <Statistic
                  title={measure.unit === "amount" ? `${measure.label}（${row.currency}）` : measure.label}
                  value={measured(measure, row[measure.key])}
                />
              </button>
            </Col>
          ))}
        </Row>
      ))}
    </Flex>
  );
}
