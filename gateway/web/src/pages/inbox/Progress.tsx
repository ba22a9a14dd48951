import { useQuery } from "@tanstack/react-query";
import { Flex, Skeleton, Timeline, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { get } from "../../api/client";
import { told } from "../../api/problem";
import type { Approved, TaskInFull } from "../../api/tasks";
import { amount } from "../../shared/formats";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";

interface Node {
  key: string;
  type: string;
  title: string;
  position?: { x: number; y: number };
}

export interface Instance {
  id: string;
  state: string;
  initiator: string;
  started_at: string;
  graph: { nodes: Node[]; edges: { from: string; to: string }[] };
  tasks: { id: string; node: string; assignee: string; state: string; kind: string; created_at: string }[];
  timeline: {
    identity: number;
    node: string | null;
    action: string;
    actor: string;
    opinion: string | null;
    detail: { approved?: Approved; to?: string | string[] } & Record<string, unknown>;
    at: string;
  }[];
}

export function useInstance(id: string) {
  return useQuery({
    queryKey: ["instance", id],
    queryFn: () => get<Instance>("/api/v1/instances/{instance_id}", { path: { instance_id: id } }),
    refetchInterval: ({ state }) => (state.data?.state === "running" ? EVERY_MS : false),
  });
}

/** The nodes that a task can be sent back to. */
export function usePassedNodes(task: TaskInFull): Node[] {
  const found = useInstance(task.instance_id ?? "").data;
  const passed = new Set(found?.timeline.map(({ node }) => node));
  return (
    found?.graph.nodes.filter(
      ({ key, type }) => passed.has(key) && key !== task.node && (type === "approval" || type === "handling"),
    ) ?? []
  );
}

/** Others are at work on it, and whoever looks is not told of all that they do. */
const EVERY_MS = 5_000;

const DOTS: Record<string, string> = {
  submit: "blue",
  approve: "green",
  reject: "red",
  return: "orange",
  approved: "green",
  granted: "green",
  rejected: "red",
};

/** Who did what when, and with whom it is now since when. */
export function Progress({ instanceId }: { instanceId: string }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { instant } = useFormats();
  const found = useInstance(instanceId);
  if (found.isPending) return <Skeleton active paragraph={{ rows: 2 }} />;
  if (found.error)
    return <Typography.Text type="danger">{told(found.error, t("page.failed"))}</Typography.Text>;
  const { timeline, graph, tasks } = found.data;
  const title = (key: string | null) => graph.nodes.find((node) => node.key === key)?.title;
  const past = timeline.map((line) => ({
    key: line.identity,
    color: DOTS[line.action] ?? "gray",
    content: (
      <div>
        <Flex gap={8} wrap>
          <strong>{t(`timeline.${line.action}`, { defaultValue: line.action })}</strong>
          {line.actor !== "system" && <Person username={line.actor} />}
          <span style={{ color: token.colorTextSecondary }}>{title(line.node)}</span>
          <span style={{ color: token.colorTextSecondary }}>{instant(line.at)}</span>
        </Flex>
        {line.opinion && <div>{line.opinion}</div>}
        {line.action === "approve" && line.detail.approved?.amount && (
          <div style={{ color: token.colorTextSecondary }}>
            {t("inbox.approvedIs", {
              amount: `${line.detail.approved.currency ?? ""} ${amount(line.detail.approved.amount)}`,
              term: line.detail.approved.term_days ?? "—",
            })}
          </div>
        )}
      </div>
    ),
  }));
  const now = tasks
    .filter(({ state, kind }) => state === "open" && kind !== "cc")
    .map((task) => ({
      key: task.id,
      color: "blue",
      content: (
        <Flex gap={8} wrap>
          <strong>{t("inbox.waitsFor")}</strong>
          <Person username={task.assignee} />
          <span style={{ color: token.colorTextSecondary }}>
            {title(task.node)} {t("inbox.since", { at: instant(task.created_at) })}
          </span>
        </Flex>
      ),
    }));
  return <Timeline items={[...past, ...now]} style={{ marginTop: 8 }} />;
}
