import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Flex, Input, Modal, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import type { Task } from "../../api/tasks";
import { useTasksChanged } from "./changed";

interface Result {
  index: number;
  status: "done" | "error";
  problem?: { detail: string };
}

/** One decision on several tasks: says on how many before, and what came of each after. */
export function BatchBar({ tasks, done }: { tasks: Task[]; done: () => void }) {
  const { t } = useTranslation();
  const [action, setAction] = useState<"approve" | "reject" | null>(null);
  const count = tasks.length;
  return (
    <Flex gap={8} align="center" style={{ marginBottom: 8 }} wrap>
      <Typography.Text strong>{t("inbox.marked", { count })}</Typography.Text>
      <Button size="small" type="primary" onClick={() => setAction("approve")}>
        {t("inbox.batch.approve")}
      </Button>
      <Button size="small" danger onClick={() => setAction("reject")}>
        {t("inbox.batch.reject")}
      </Button>
      {action && <BatchForm tasks={tasks} action={action} close={() => setAction(null)} done={done} />}
    </Flex>
  );
}

interface FormProps {
  tasks: Task[];
  action: "approve" | "reject";
  close: () => void;
  done: () => void;
}

function BatchForm({ tasks, action, close, done }: FormProps) {
  const { t } = useTranslation();
  const [opinion, setOpinion] = useState("");
  const changed = useTasksChanged();
  const act = useMutation({
    mutationFn: () =>
      post<{ results: Result[] }>("/api/v1/tasks:batch", {
        body: { action, task_ids: tasks.map(({ id }) => id), ...(opinion ? { opinion } : {}) },
      }),
    onSuccess: ({ results }) => results.every(({ status }) => status === "done") && changed(done),
  });
  const failed = act.data?.results.filter(({ status }) => status === "error") ?? [];
  const finished = act.isSuccess;
  return (
    <Modal
      open
      title={t(`inbox.batch.${action}Title`, { count: tasks.length })}
      okText={t(finished ? "inbox.close" : `inbox.batch.${action}`)}
      okButtonProps={{ loading: act.isPending, danger: action === "reject" && !finished }}
      onOk={() => (finished ? changed(done) : act.mutate())}
      onCancel={finished ? () => changed(done) : close}
    >
      {act.error && <Alert type="error" showIcon title={told(act.error, t("page.failed"))} />}
      {failed.length > 0 ? (
        <Alert
          type="warning"
          showIcon
          title={t("inbox.batch.failed", { count: failed.length })}
          description={failed.map(({ index, problem }) => (
            <div key={index}>
              {tasks[index]?.title}：{problem?.detail}
            </div>
          ))}
        />
      ) : (
        <>
          <Typography.Paragraph>{t(`inbox.batch.${action}Follows`)}</Typography.Paragraph>
          <Input.TextArea
            aria-label={t("inbox.opinion")}
            placeholder={t("inbox.opinion")}
            value={opinion}
            onChange={({ target }) => setOpinion(target.value)}
            autoSize={{ minRows: 2 }}
          />
        </>
      )}
    </Modal>
  );
}
