import {
  CalculatorOutlined,
  FileAddOutlined,
  FundOutlined,
  InboxOutlined,
  UserAddOutlined,
} from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Card, Col, Empty, Flex, Row, Statistic, theme } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { post } from "../../api/client";
import type { Customer } from "../../api/customers";
import { useWaiting } from "../../api/live";
import { useMay, useMe } from "../../api/me";
import { useTasks } from "../../api/tasks";
import { Amount } from "../../shared/Amount";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { Grade, StateTag } from "../../shared/Tags";
import { useListing } from "../../shared/useListing";
import { measured, type QueryData } from "../analysis/data";
import { TaskCard } from "../inbox/TaskCard";
import { Guide } from "../setup/Guide";

const SHOWN_MAX = 6;
const FIGURES = [
  "credit_limit",
  "credit_used",
  "utilisation",
  "overdue_amount",
  "overdue_rate",
  "on_time_rate",
];

/** What the person does next: their tasks, what needs attention, their customers, and shortcuts. */
export default function Home() {
  const { t } = useTranslation();
  const me = useMe();
  const mayTasks = useMay("tasks.read");
  const mayReports = useMay("reports.read");
  const mayCustomers = useMay("customers.read");
  return (
    <Page
      title={t("home.hello", { name: me.data?.user.name ?? "" })}
      loading={me.isPending}
      problem={me.error}
      retry={me.refetch}
      actions={<Shortcuts />}
    >
      <Guide atHome />
      <Row gutter={[16, 16]}>
        {mayReports && (
          <Col span={24}>
            <Figures />
          </Col>
        )}
        {mayTasks && (
          <Col xs={24} lg={13}>
            <OpenTasks />
          </Col>
        )}
        {mayCustomers && (
          <Col xs={24} lg={11}>
            <Attention />
          </Col>
        )}
      </Row>
    </Page>
  );
}

function Shortcuts() {
  const { t } = useTranslation();
  const entries: { to: string; text: string; icon: ReactNode; may: boolean }[] = [
    {
      to: "/applications/new",
      text: "apply",
      icon: <FileAddOutlined {...QUIET} />,
      may: useMay("applications.create"),
    },
    {
      to: "/orders/check",
      text: "check",
      icon: <CalculatorOutlined {...QUIET} />,
      may: useMay("orders.check"),
    },
    {
      to: "/customers/new",
      text: "customer",
      icon: <UserAddOutlined {...QUIET} />,
      may: useMay("customers.create"),
    },
    { to: "/analysis", text: "analysis", icon: <FundOutlined {...QUIET} />, may: useMay("dashboards.read") },
  ];
  return (
    <Flex gap={8} wrap>
      {entries
        .filter(({ may }) => may)
        .map(({ to, text, icon }) => (
          <Link key={to} to={to}>
            <Button icon={icon} tabIndex={-1}>
              {t(`home.shortcut.${text}`)}
            </Button>
          </Link>
        ))}
    </Flex>
  );
}

/** How credit stands as far as the person sees: of their own customers, of all for who sees all. */
function Figures() {
  const found = useQuery({
    queryKey: ["home-figures"],
    queryFn: () => post<QueryData>("/api/v1/reports/query", { body: { measures: FIGURES, dimensions: [] } }),
  });
  const data = found.data;
  if (data === undefined) return null;
  return (
    <Card size="small">
      {data.rows.map((row) => (
        <Row key={String(row.currency)} gutter={[16, 12]}>
          {data.measures.map((measure) => (
            <Col key={measure.key} xs={12} md={8} xl={4}>
              <Statistic
                title={measure.unit === "amount" ? `${measure.label}（${row.currency}）` : measure.label}
                value={measured(measure, row[measure.key])}
              />
            </Col>
          ))}
        </Row>
      ))}
    </Card>
  );
}

function OpenTasks() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const waiting = useWaiting();
  const tasks = useTasks({ state: "open" });
  const shown = tasks.data?.slice(0, SHOWN_MAX) ?? [];
  return (
    <Card
      size="small"
      title={
        <>
          <InboxOutlined {...QUIET} /> {t("home.open", { count: waiting.open })}
        </>
      }
      extra={<Link to="/inbox">{t("home.all")}</Link>}
      loading={tasks.isPending && tasks.isFetching}
    >
      {shown.length === 0 && <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("home.none")} />}
      <Flex vertical>
        {shown.map((task) => (
          <Link
            key={task.id}
            to={`/inbox?task=${task.id}`}
            style={{
              color: token.colorText,
              padding: "10px 4px",
              borderBottom: `1px solid ${token.colorBorderSecondary}`,
            }}
          >
            <TaskCard task={task} />
          </Link>
        ))}
      </Flex>
    </Card>
  );
}

/** Customers that are frozen or over their limit, then those that were changed last. */
function Attention() {
  const { t } = useTranslation();
  const frozen = useListing<Customer>("/api/v1/customers", { credit_status: "frozen" });
  const over = useListing<Customer>("/api/v1/customers", { credit_status: "over-limit" });
  const mine = useListing<Customer>("/api/v1/customers", { sort: "-updated_at" });
  const troubled = [...(frozen.data ?? []), ...(over.data ?? [])];
  return (
    <Flex vertical gap={16}>
      <Card size="small" title={t("home.attention", { count: troubled.length })}>
        {troubled.length === 0 ? (
          <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("home.noAttention")} />
        ) : (
          <Customers items={troubled} />
        )}
      </Card>
      <Card size="small" title={t("home.customers")} extra={<Link to="/customers">{t("home.all")}</Link>}>
        <Customers items={mine.data ?? []} />
      </Card>
    </Flex>
  );
}

function Customers({ items }: { items: Customer[] }) {
  const { token } = theme.useToken();
  return (
    <Flex vertical>
      {items.slice(0, SHOWN_MAX).map((one) => (
        <Link
          key={one.id}
          to={`/customers/${one.id}`}
          style={{
            display: "flex",
            gap: 8,
            alignItems: "center",
            color: token.colorText,
            padding: "8px 4px",
            borderBottom: `1px solid ${token.colorBorderSecondary}`,
          }}
        >
          <Grade grade={one.grade} />
          <span
            style={{
              flex: 1,
              minWidth: 0,
              overflow: "hidden",
              textOverflow: "ellipsis",
              whiteSpace: "nowrap",
            }}
          >
            {one.name}
          </span>
          {one.credit_limit && <Amount value={one.credit_limit} />}
          <StateTag kind="credit" state={one.credit_status} />
        </Link>
      ))}
    </Flex>
  );
}
