import { ClockCircleOutlined } from "@ant-design/icons";
import { Flex, Tag, theme } from "antd";
import { useTranslation } from "react-i18next";
import type { Task } from "../../api/tasks";
import { TONES } from "../../app/theme";
import { Amount } from "../../shared/Amount";
import { QUIET } from "../../shared/icons";
import { Grade, StateTag } from "../../shared/Tags";
import { useFormats } from "../../shared/useFormats";

/** One task in a queue: who, how much, and what stands against it. */
export function TaskCard({ task }: { task: Task }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { instant } = useFormats();
  const { summary } = task;
  const late = task.state === "open" && task.due_at !== null && new Date(task.due_at) < new Date();
  return (
    <Flex vertical gap={4} style={{ minWidth: 0 }}>
      <Flex gap={8} align="center">
        <strong style={{ flex: 1, overflow: "hidden", textOverflow: "ellipsis", whiteSpace: "nowrap" }}>
          {summary.customer ?? task.title}
        </strong>
        {summary.grade && <Grade grade={summary.grade} />}
      </Flex>
      {summary.amount && (
        <Flex gap={8} align="baseline">
          <span style={{ fontSize: 18, fontWeight: 600 }}>
            <Amount value={summary.amount} currency={summary.currency} />
          </span>
          {summary.term_days !== null && (
            <span style={{ color: token.colorTextSecondary }}>
              {t("term.net", { days: summary.term_days })}
            </span>
          )}
        </Flex>
      )}
      {task.kind === "todo" && <span>{task.title}</span>}
      <Flex gap={8} wrap align="center" style={{ color: token.colorTextSecondary, fontSize: 13 }}>
        <span>{nodeTitle(task)}</span>
        {summary.overdue && summary.overdue.max_days > 0 && (
          <Tag variant="filled" style={TONES.stops}>
            {t("inbox.overdueDays", { days: summary.overdue.max_days })}
          </Tag>
        )}
        {task.state !== "open" && <StateTag kind="action" state={task.action ?? task.state} />}
        {task.due_at && task.state === "open" && (
          <span style={late ? { color: token.colorError } : {}}>
            <ClockCircleOutlined {...QUIET} />{" "}
            {t(late ? "inbox.late" : "inbox.dueAt", { at: instant(task.due_at) })}
          </span>
        )}
      </Flex>
    </Flex>
  );
}

/** The node's part of a title such as "风控审批: 上海某某公司". */
export function nodeTitle(task: Task): string {
  if (task.kind === "todo") return task.subject?.key ?? "";
  const [node = task.title] = task.title.split(": ");
  return task.subject ? `${node} · ${task.subject.key}` : node;
}
