import { CheckCircleOutlined, CloseCircleOutlined, ExclamationCircleOutlined } from "@ant-design/icons";
import { useQuery, useQueryClient } from "@tanstack/react-query";
import {
  Alert,
  App,
  Button,
  Card,
  Col,
  Flex,
  Grid,
  Row,
  Statistic,
  Table,
  Tag,
  Typography,
  theme,
} from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, post } from "../../api/client";
import { useMay } from "../../api/me";
import { told } from "../../api/problem";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { useFormats } from "../../shared/useFormats";
import { Mails } from "./Mails";
import { type Service, type Standing, type Stream, streamsOf } from "./standing";

const AGAIN_MS = 5_000;
const STANDING = ["system"];

/** Whether everything runs, how far the services are behind one another, and what stands still. */
export default function System() {
  const { t } = useTranslation();
  const may = useMay("admin.system");
  const found = useQuery({
    queryKey: STANDING,
    queryFn: () => get<Standing>("/api/v1/admin/system"),
    refetchInterval: AGAIN_MS,
    enabled: may,
  });
  return (
    <Page
      title={t("system.title")}
      permission="admin.system"
      loading={found.isPending}
      problem={found.data ? null : found.error}
      retry={found.refetch}
    >
      {found.data && (
        <Flex vertical gap={16}>
          <Summary standing={found.data} />
          <Services standing={found.data} />
          <Streams streams={streamsOf(found.data)} />
          <Mails />
        </Flex>
      )}
    </Page>
  );
}

function Summary({ standing }: { standing: Standing }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const date = useQuery({
    queryKey: ["business-date"],
    queryFn: () => get<{ date: string }>("/api/v1/admin/business-date"),
  });
  const away = Object.keys(standing.away).length;
  const there = standing.services.length;
  const streams = streamsOf(standing);
  const still = streams.filter(({ state }) => state !== "running").length;
  const behind = streams.reduce((most, each) => Math.max(most, each.behind), 0);
  const parked = streams.reduce((sum, each) => sum + each.parked, 0);
  const figures: { title: string; value: ReactNode; bad: boolean }[] = [
    { title: t("system.servicesUp"), value: `${there} / ${there + away}`, bad: away > 0 },
    // Every answer has come over the broker and out of its service's database.
    { title: t("system.broker"), value: t(there > 0 ? "system.fine" : "system.gone"), bad: there === 0 },
    { title: t("system.databases"), value: t(away === 0 ? "system.fine" : "system.seeBelow"), bad: away > 0 },
    { title: t("system.behindMost"), value: behind, bad: still > 0 },
    { title: t("system.parked"), value: parked, bad: parked > 0 },
    { title: t("system.businessDate"), value: date.data?.date ?? "—", bad: false },
  ];
  return (
    <>
      {still > 0 && <Alert type="error" showIcon title={t("system.stillAlarm", { count: still })} />}
      <Row gutter={[12, 12]}>
        {figures.map(({ title, value, bad }) => (
          <Col key={title} xs={12} md={8} xl={4}>
            <Card size="small">
              <Statistic
                title={title}
                valueRender={() => (
                  <span style={{ fontSize: 20, color: bad ? token.colorError : token.colorText }}>
                    {value}
                  </span>
                )}
              />
            </Card>
          </Col>
        ))}
      </Row>
      {parked > 0 && <Link to="/parked-events">{t("system.toParked")}</Link>}
    </>
  );
}

interface ServiceRow {
  name: string;
  there: Service | undefined;
  why: string | undefined;
}

function Services({ standing }: { standing: Standing }) {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().md;
  const { message, modal } = App.useApp();
  const known = useQueryClient();
  const rebuild = (service: string) =>
    modal.confirm({
      title: t("system.rebuildTitle", { service: t(`system.service.${service}`) }),
      content: t("system.rebuildFollows"),
      okText: t("system.rebuild"),
      okButtonProps: { danger: true },
      onOk: () =>
        post("/api/v1/admin/services/{service}:rebuild", { path: { service: service } })
          .then(() => message.success(t("system.rebuilding")))
          .catch((problem) => message.error(told(problem, t("page.failed"))))
          .finally(() => known.invalidateQueries({ queryKey: STANDING })),
    });
  const rows: ServiceRow[] = [
    ...standing.services.map((there) => ({ name: there.service, there, why: undefined })),
    ...Object.entries(standing.away).map(([name, why]) => ({ name, there: undefined, why })),
  ];
  const count = (value: number | undefined) => (value === undefined ? "—" : value.toLocaleString("en"));
  return (
    <Card size="small" title={t("system.services")} styles={{ body: { padding: 0 } }}>
      <Table<ServiceRow>
        size="small"
        rowKey="name"
        pagination={false}
        dataSource={rows}
        columns={[
          {
            title: t("system.serviceHead"),
            dataIndex: "name",
            render: (name: string) => t(`system.service.${name}`),
          },
          {
            title: t("system.state"),
            render: (_, { there, why }) =>
              there ? (
                <Tag color="success" variant="filled" icon={<CheckCircleOutlined {...QUIET} />}>
                  {t("system.fine")}
                </Tag>
              ) : (
                <Flex gap={6} wrap>
                  <Tag color="error" variant="filled" icon={<CloseCircleOutlined {...QUIET} />}>
                    {t("system.gone")}
                  </Tag>
                  <Typography.Text type="secondary">{why}</Typography.Text>
                </Flex>
              ),
          },
          { title: t("system.logged"), align: "right", render: (_, { there }) => count(there?.head) },
          ...(wide
            ? [
                {
                  title: t("system.unsent"),
                  align: "right" as const,
                  // Ephemeral brokers take no copies: then nothing was ever published.
                  render: (_: unknown, { there }: ServiceRow) =>
                    there && there.published > 0 ? count(there.head - there.published) : "—",
                },
                {
                  title: t("system.commands"),
                  align: "right" as const,
                  render: (_: unknown, { there }: ServiceRow) => count(there?.commands),
                },
                {
                  title: t("system.actions"),
                  width: 120,
                  render: (_: unknown, { name, there }: ServiceRow) =>
                    there && there.positions.length > 0 ? (
                      <Button size="small" onClick={() => rebuild(name)}>
                        {t("system.rebuild")}
                      </Button>
                    ) : null,
                },
              ]
            : []),
        ]}
      />
    </Card>
  );
}

function Streams({ streams }: { streams: Stream[] }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const wide = Grid.useBreakpoint().md;
  const { message } = App.useApp();
  const known = useQueryClient();
  const mayPark = useMay("admin.parked");
  const resume = ({ reader, source }: Stream) =>
    post("/api/v1/admin/parked-events/{service}:resume", { path: { service: reader }, body: { source } })
      .then(() => message.success(t("system.resumed")))
      .catch((problem) => message.error(told(problem, t("page.failed"))))
      .finally(() => known.invalidateQueries({ queryKey: STANDING }));
  return (
    <Card size="small" title={t("system.streams")} styles={{ body: { padding: 0 } }}>
      <Table<Stream>
        size="small"
        rowKey={({ reader, source }) => `${reader}-${source}`}
        pagination={false}
        {...(wide ? { scroll: { x: 820 } } : {})}
        dataSource={streams}
        columns={[
          {
            title: t("system.reader"),
            dataIndex: "reader",
            render: (name: string, { source }) =>
              wide
                ? t(`system.service.${name}`)
                : `${t(`system.service.${name}`)} ← ${t(`system.service.${source}`)}`,
          },
          ...(wide
            ? [
                {
                  title: t("system.reads"),
                  dataIndex: "source",
                  render: (name: string) => t(`system.service.${name}`),
                },
              ]
            : []),
          {
            title: t("system.state"),
            render: (_, stream) => <StreamState stream={stream} />,
          },
          {
            title: t("system.behind"),
            dataIndex: "behind",
            align: "right",
            render: (value: number) => value.toLocaleString("en"),
          },
          { title: t("system.parked"), dataIndex: "parked", align: "right" },
          ...(wide
            ? [
                {
                  title: t("system.lastRead"),
                  dataIndex: "updated_at",
                  width: 150,
                  render: (at: string) => instant(at),
                },
              ]
            : []),
          {
            title: wide ? t("system.actions") : "",
            width: wide ? 120 : 0,
            render: (_, stream) =>
              stream.state === "stopped" &&
              mayPark && (
                <Button size="small" type="primary" onClick={() => resume(stream)}>
                  {t("system.resume")}
                </Button>
              ),
          },
        ]}
      />
    </Card>
  );
}

function StreamState({ stream: { state, problem } }: { stream: Stream }) {
  const { t } = useTranslation();
  if (state === "running") {
    return (
      <Tag color="success" variant="filled" icon={<CheckCircleOutlined {...QUIET} />}>
        {t("system.reading")}
      </Tag>
    );
  }
  return (
    <Flex vertical gap={2}>
      <span>
        <Tag color="error" variant="filled" icon={<ExclamationCircleOutlined {...QUIET} />}>
          {t(`system.still.${state}`)}
        </Tag>
      </span>
      <Typography.Text type="secondary">{problem}</Typography.Text>
    </Flex>
  );
}
