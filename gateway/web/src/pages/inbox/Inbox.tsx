import { Button, Card, Checkbox, Empty, Flex, Grid, Skeleton, Tabs, theme } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";
import { useWaiting } from "../../api/live";
import { useTasks } from "../../api/tasks";
import { Page } from "../../shared/Page";
import { BatchBar } from "./BatchBar";
import { Started } from "./Started";
import { TaskCard } from "./TaskCard";
import { TaskItem } from "./TaskItem";
import { useQueueKeys } from "./useQueueKeys";

const TABS = ["open", "done", "started", "copied"] as const;
type Tab = (typeof TABS)[number];
const QUERIES: Record<Exclude<Tab, "started">, { state?: string; kind?: string }> = {
  open: { state: "open" },
  done: { state: "done" },
  copied: { kind: "cc" },
};

/** The workbench of decisions: the queue left, what is decided right, the decision below; on a phone one by one. */
export default function Inbox() {
  const { t } = useTranslation();
  const [place, setPlace] = useSearchParams();
  const wide = Grid.useBreakpoint().lg;
  const waiting = useWaiting();
  const tab = TABS.find((each) => each === place.get("tab")) ?? "open";
  const chosen = place.get("task");
  const choose = (task: string | null) => setPlace(task ? { tab, task } : { tab });
  // Before the width is known there is nothing to lay out.
  if (wide === undefined) return null;
  if (!wide && chosen && tab !== "started") {
    return <TaskItem key={chosen} id={chosen} back={() => choose(null)} decided={() => choose(null)} />;
  }
  return (
    <Page title={t("inbox.title")} permission="tasks.read">
      <Tabs
        activeKey={tab}
        onChange={(next) => setPlace({ tab: next })}
        items={TABS.map((each) => ({
          key: each,
          label:
            each === "open" && waiting.open > 0
              ? `${t(`inbox.tab.${each}`)} (${waiting.open})`
              : t(`inbox.tab.${each}`),
        }))}
      />
      {tab === "started" ? (
        <Started />
      ) : (
        <Queue key={tab} tab={tab} chosen={chosen} choose={choose} wide={wide} />
      )}
    </Page>
  );
}

interface QueueProps {
  tab: Exclude<Tab, "started">;
  chosen: string | null;
  choose: (id: string | null) => void;
  wide: boolean;
}

function Queue({ tab, chosen, choose, wide }: QueueProps) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const [marked, setMarked] = useState<string[]>([]);
  const tasks = useTasks(QUERIES[tab]);
  const items = tasks.data ?? [];
  // On a PC there is always something on the right.
  const shown = chosen ?? (wide ? (items[0]?.id ?? null) : null);
  const place = items.findIndex(({ id }) => id === shown);
  const step = (by: number) => {
    const next = items[Math.min(items.length - 1, Math.max(0, place + by))];
    if (next) choose(next.id);
  };
  useQueueKeys({ next: () => step(1), previous: () => step(-1) });
  if (tasks.isPending) return <Skeleton active />;
  if (tasks.error) return <Page title="" problem={tasks.error} retry={tasks.refetch} />;
  if (items.length === 0) return <Empty description={t(`inbox.empty.${tab}`)} style={{ padding: 48 }} />;
  const list = (
    <Flex vertical gap={8}>
      {items.map((task) => (
        <Flex key={task.id} gap={8} align="start">
          {wide && tab === "open" && (
            <Checkbox
              style={{ marginTop: 14 }}
              disabled={task.kind !== "approval"}
              checked={marked.includes(task.id)}
              aria-label={t("inbox.mark", { title: task.title })}
              onChange={({ target }) =>
                setMarked(target.checked ? [...marked, task.id] : marked.filter((each) => each !== task.id))
              }
            />
          )}
          <Card
            size="small"
            hoverable
            role="button"
            tabIndex={0}
            aria-current={task.id === shown}
            onClick={() => choose(task.id)}
            onKeyDown={({ key }) => key === "Enter" && choose(task.id)}
            style={{
              flex: 1,
              minWidth: 0,
              ...(task.id === shown && wide
                ? { borderColor: token.colorPrimary, background: token.colorPrimaryBg }
                : {}),
            }}
          >
            <TaskCard task={task} />
          </Card>
        </Flex>
      ))}
      {tasks.hasNextPage && (
        <Button onClick={() => tasks.fetchNextPage()} loading={tasks.isFetchingNextPage}>
          {t("inbox.more")}
        </Button>
      )}
    </Flex>
  );
  if (!wide) return list;
  const decided = () => {
    const next = items[place + 1] ?? items[place - 1];
    choose(next?.id ?? null);
  };
  return (
    <Flex gap={16} align="start">
      <div
        style={{ width: 380, flexShrink: 0, maxHeight: "calc(100vh - 190px)", overflow: "auto", padding: 2 }}
      >
        {marked.length > 0 && (
          <BatchBar
            tasks={items.filter(({ id }) => marked.includes(id))}
            done={() => {
              setMarked([]);
              choose(null);
            }}
          />
        )}
        {list}
      </div>
      <div style={{ flex: 1, minWidth: 0 }}>
        {shown && <TaskItem key={shown} id={shown} decided={decided} />}
      </div>
    </Flex>
  );
}
