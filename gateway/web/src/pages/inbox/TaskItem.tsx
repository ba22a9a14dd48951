import { ArrowLeftOutlined } from "@ant-design/icons";
import { App, Button, Card, Flex, Grid, theme } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { told } from "../../api/problem";
import { type TaskInFull, useFinishTodo, useTask } from "../../api/tasks";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { ApproveForm } from "./ApproveForm";
import { DeedForm } from "./DeedForm";
import { MoreActions } from "./MoreActions";
import { Progress } from "./Progress";
import { nodeTitle } from "./TaskCard";
import { TaskFacts } from "./TaskFacts";
import { useQueueKeys } from "./useQueueKeys";

interface Props {
  id: string;
  /** On a phone: back to the queue. */
  back?: () => void;
  /** What follows when it is off the table. */
  decided: () => void;
}

/** One task in full, with what decides it. */
export function TaskItem({ id, back, decided }: Props) {
  const { t } = useTranslation();
  const task = useTask(id);
  const data = task.data;
  const title = data?.summary.customer ?? data?.title ?? t("inbox.task");
  return (
    <Page
      title={title}
      loading={task.isPending}
      problem={task.error}
      retry={task.refetch}
      actions={
        back && (
          <Button icon={<ArrowLeftOutlined {...QUIET} />} onClick={back}>
            {t("inbox.back")}
          </Button>
        )
      }
    >
      {data && (
        <Flex vertical gap={12}>
          <div>
            {nodeTitle(data)}
            {data.customer_id && (
              <>
                {" · "}
                <Link to={`/customers/${data.customer_id}`} className="in-text">
                  {t("inbox.toCustomer")}
                </Link>
              </>
            )}
          </div>
          <TaskFacts task={data} />
          {data.instance_id && (
            <Card size="small" title={t("inbox.progress")}>
              <Progress instanceId={data.instance_id} />
            </Card>
          )}
          {data.state === "open" && <Decision task={data} decided={decided} />}
        </Flex>
      )}
    </Page>
  );
}

function Decision({ task, decided }: { task: TaskInFull; decided: () => void }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { message } = App.useApp();
  const wide = Grid.useBreakpoint().md ?? true;
  const [asked, setAsked] = useState<"approve" | "reject" | null>(null);
  const finish = useFinishTodo();
  const may = (action: string) => task.actions === undefined || task.actions.includes(action);
  const approves = task.kind !== "todo" && task.kind !== "cc" && may("approve");
  const rejects = task.kind === "approval" && may("reject");
  useQueueKeys({
    approve: approves ? () => setAsked("approve") : undefined,
    reject: rejects ? () => setAsked("reject") : undefined,
  });
  const close = () => setAsked(null);
  const done = () => {
    message.success(t("inbox.done"));
    close();
    decided();
  };
  const size = wide ? "middle" : "large";
  const bar = {
    position: "sticky",
    bottom: wide ? 0 : 64,
    zIndex: 5,
    padding: 12,
    background: token.colorBgContainer,
    border: `1px solid ${token.colorBorderSecondary}`,
    borderRadius: token.borderRadiusLG,
    boxShadow: token.boxShadowTertiary,
  } as const;
  return (
    <Flex gap={8} style={bar} wrap>
      {approves && (
        <Button
          type="primary"
          size={size}
          onClick={() => setAsked("approve")}
          style={{ flex: wide ? undefined : 2 }}
        >
          {t(task.kind === "approval" ? "inbox.approve" : "inbox.handle")}
        </Button>
      )}
      {rejects && (
        <Button danger size={size} onClick={() => setAsked("reject")} style={{ flex: wide ? undefined : 1 }}>
          {t("inbox.reject")}
        </Button>
      )}
      {(task.kind === "todo" || task.kind === "cc") && (
        <Button
          type="primary"
          size={size}
          loading={finish.isPending}
          onClick={() =>
            finish.mutate(task.id, {
              onSuccess: done,
              onError: (problem) => message.error(told(problem, t("page.failed"))),
            })
          }
        >
          {t(task.kind === "cc" ? "inbox.read" : "inbox.finish")}
        </Button>
      )}
      {task.kind !== "todo" && <MoreActions task={task} done={done} size={size} />}
      {wide && approves && (
        <span style={{ color: token.colorTextSecondary, alignSelf: "center" }}>{t("inbox.keys")}</span>
      )}
      {asked === "approve" && <ApproveForm task={task} close={close} done={done} />}
      {asked === "reject" && <DeedForm task={task} action="reject" close={close} done={done} />}
    </Flex>
  );
}
