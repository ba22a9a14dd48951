import { EditOutlined, PrinterOutlined, RollbackOutlined, SendOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Col, Flex, Grid, Row, Skeleton, Space, Statistic, Typography } from "antd";
import { lazy, Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate, useParams } from "react-router";
import { post } from "../../api/client";
import { useAccount } from "../../api/customers";
import { useMay, useMe } from "../../api/me";
import { told } from "../../api/problem";
import { ExposureBar } from "../../shared/ExposureBar";
import { amount } from "../../shared/formats";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { StateTag } from "../../shared/Tags";
import { useFormats } from "../../shared/useFormats";
import { termWord } from "../../shared/words";
import { Progress } from "../inbox/Progress";
import { useApplication, useInstanceOf } from "./useApplication";

const FlowGraph = lazy(() => import("./FlowGraph"));
const OPEN = ["draft", "returned"];

/** An application: what was asked and approved, and who has it since when, as graph and as record. */
export default function ApplicationRecord() {
  const { t } = useTranslation();
  const { id } = useParams();
  // A phone is too narrow for the graph: the record says the same.
  const wide = Grid.useBreakpoint().md;
  const go = useNavigate();
  const { instant } = useFormats();
  const { modal, message } = App.useApp();
  const known = useQueryClient();
  const me = useMe();
  const mayCredit = useMay("credit.read");
  const found = useApplication(id);
  const data = found.data;
  const account = useAccount(mayCredit ? data?.customer_id : undefined).data;
  const act = useMutation({
    mutationFn: (action: "submit" | "withdraw") =>
      post(`/api/v1/applications/{application_id}:${action}`, { path: { application_id: id ?? "" } }),
    onSuccess: () => message.success(t("inbox.done")),
    onError: (problem) => message.error(told(problem, t("page.failed"))),
    onSettled: () =>
      Promise.all(
        [["applications"], ["list"], ["instance"]].map((queryKey) => known.invalidateQueries({ queryKey })),
      ),
  });
  const instance = useInstanceOf(data).data ?? data?.instance_id;
  const own = data?.initiator === me.data?.user.username;
  const withdraw = () =>
    modal.confirm({
      title: t("applications.withdraw"),
      content: t("applications.withdrawFollows"),
      onOk: () => act.mutateAsync("withdraw"),
    });
  return (
    <Page
      title={data ? `${t("applications.one")} ${data.number}` : t("applications.one")}
      permission="applications.read"
      loading={found.isPending}
      problem={found.error}
      retry={found.refetch}
      actions={
        data && (
          <Space wrap className="no-print">
            {own && OPEN.includes(data.status) && (
              <>
                <Button
                  icon={<EditOutlined {...QUIET} />}
                  onClick={() => go(`/applications/${data.id}/edit`)}
                >
                  {t("customers.edit")}
                </Button>
                <Button
                  type="primary"
                  icon={<SendOutlined {...QUIET} />}
                  loading={act.isPending}
                  onClick={() => act.mutate("submit")}
                >
                  {t("applications.submit")}
                </Button>
              </>
            )}
            {own && data.status === "in_approval" && (
              <Button icon={<RollbackOutlined {...QUIET} />} onClick={withdraw}>
                {t("applications.withdraw")}
              </Button>
            )}
            <Button icon={<PrinterOutlined {...QUIET} />} onClick={() => window.print()}>
              {t("applications.print")}
            </Button>
          </Space>
        )
      }
    >
      {data && (
        <Flex vertical gap={12}>
          <Card size="small">
            <Flex gap={12} wrap align="center" style={{ marginBottom: 8 }}>
              <Link to={`/customers/${data.customer_id}`}>
                <strong>{data.customer_name}</strong>
              </Link>
              <StateTag kind="application" state={data.status} />
              <Typography.Text type="secondary">
                <Person username={data.initiator} /> · {instant(data.created_at)}
              </Typography.Text>
            </Flex>
            <Row gutter={[16, 8]}>
              <Figure title={t("inbox.asked", { currency: data.currency })} value={amount(data.amount)} />
              <Figure title={t("inbox.termAsked")} value={termWord(t, data.term_days)} />
              {data.approved?.amount && (
                <>
                  <Figure
                    title={t("applications.approvedIn", { currency: data.approved.currency })}
                    value={amount(data.approved.amount)}
                  />
                  <Figure
                    title={t("applications.approvedTerm")}
                    value={termWord(t, data.approved.term_days)}
                  />
                </>
              )}
            </Row>
            {data.reason && (
              <Typography.Paragraph style={{ margin: "8px 0" }}>
                {t("inbox.reason")}
                {data.reason}
              </Typography.Paragraph>
            )}
            {account && (
              <ExposureBar
                limit={account.limit}
                unlimited={account.unlimited}
                exposure={account.exposure}
                available={account.available}
                overdue={account.overdue.amount}
                currency={account.currency}
              />
            )}
          </Card>
          {instance ? (
            <>
              {wide && (
                <Card size="small" title={t("applications.graph")} className="no-print">
                  <Suspense fallback={<Skeleton active />}>
                    <FlowGraph instanceId={instance} />
                  </Suspense>
                </Card>
              )}
              <Card size="small" title={t("applications.record")}>
                <Progress instanceId={instance} />
              </Card>
            </>
          ) : (
            data.status === "draft" && <Alert type="info" showIcon title={t("applications.isDraft")} />
          )}
        </Flex>
      )}
    </Page>
  );
}

function Figure({ title, value }: { title: string; value: string }) {
  return (
    <Col xs={12} md={6}>
      <Statistic title={title} value={value} />
    </Col>
  );
}
