import { Card, Col, Flex, Row, Statistic, Typography } from "antd";
import { useTranslation } from "react-i18next";
import type { TaskInFull } from "../../api/tasks";
import { ExposureBar } from "../../shared/ExposureBar";
import { amount } from "../../shared/formats";
import { Grade, StateTag } from "../../shared/Tags";
import { useFormats } from "../../shared/useFormats";

/** What is asked, and how the customer stands: numbers first. */
export function TaskFacts({ task }: { task: TaskInFull }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const { summary } = task;
  const approved = summary.approved;
  const cut = approved?.amount && approved.amount !== summary.amount;
  return (
    <Card size="small">
      {summary.amount && (
        <Row gutter={[16, 8]}>
          <Col xs={12} md={8}>
            <Statistic
              title={t("inbox.asked", { currency: summary.currency })}
              value={amount(summary.amount)}
            />
          </Col>
          <Col xs={12} md={8}>
            <Statistic
              title={t("inbox.termAsked")}
              value={summary.term_days === null ? "—" : t("inbox.days", { days: summary.term_days })}
            />
          </Col>
          {cut && (
            <Col xs={24} md={8}>
              <Statistic title={t("inbox.approvedSoFar")} value={amount(approved.amount)} />
            </Col>
          )}
        </Row>
      )}
      {task.kind === "todo" && <Typography.Paragraph strong>{task.title}</Typography.Paragraph>}
      {summary.reason && (
        <Typography.Paragraph style={{ margin: "8px 0" }}>
          {t("inbox.reason")}
          {summary.reason}
        </Typography.Paragraph>
      )}
      <Flex gap={12} wrap align="center" style={{ margin: "8px 0" }}>
        {summary.grade && <Grade grade={summary.grade} />}
        <StateTag kind="credit" state={summary.state} />
        {summary.overdue && (
          <Typography.Text type={summary.overdue.max_days > 0 ? "danger" : "secondary"}>
            {summary.overdue.max_days > 0
              ? t("inbox.overdueIs", {
                  amount: amount(summary.overdue.amount),
                  days: summary.overdue.max_days,
                })
              : t("inbox.notOverdue")}
          </Typography.Text>
        )}
        {task.due_at && task.state === "open" && (
          <Typography.Text type="secondary">{t("inbox.dueAt", { at: instant(task.due_at) })}</Typography.Text>
        )}
      </Flex>
      <ExposureBar
        limit={summary.limit}
        exposure={{ total: summary.exposure ?? "0" }}
        available={summary.available}
        overdue={summary.overdue?.amount}
        currency={summary.currency}
      />
    </Card>
  );
}
