import { EllipsisOutlined } from "@ant-design/icons";
import { App, Button, Dropdown } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { TASK_ACTIONS, type TaskAction, type TaskInFull } from "../../api/tasks";
import { QUIET } from "../../shared/icons";
import { DeedForm } from "./DeedForm";

type Deed = Exclude<TaskAction, "approve">;
/** What leaves the task where it is. */
const STAYS = new Set<Deed>(["cc", "comment", "urge"]);

interface Props {
  task: TaskInFull;
  done: () => void;
  size: "middle" | "large";
}

/** What else one may do with a task: return stands open, the rest behind a menu. */
export function MoreActions({ task, done, size }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [deed, setDeed] = useState<Deed | null>(null);
  const may = (action: TaskAction) => task.actions?.includes(action.replace("-", "_")) ?? true;
  const others = TASK_ACTIONS.filter(
    (action): action is Deed => !["approve", "reject", "return"].includes(action) && may(action),
  );
  const close = () => setDeed(null);
  return (
    <>
      {may("return") && task.kind !== "cc" && (
        <Button size={size} onClick={() => setDeed("return")}>
          {t("inbox.deed.return")}
        </Button>
      )}
      {others.length > 0 && (
        <Dropdown
          trigger={["click"]}
          menu={{
            items: others.map((action) => ({
              key: action,
              label: t(`inbox.deed.${action}`),
              onClick: () => setDeed(action),
            })),
          }}
        >
          <Button size={size} icon={<EllipsisOutlined {...QUIET} />} aria-label={t("inbox.others")} />
        </Dropdown>
      )}
      {deed && (
        <DeedForm
          task={task}
          action={deed}
          close={close}
          done={() => {
            close();
            if (STAYS.has(deed)) message.success(t("inbox.said"));
            else done();
          }}
        />
      )}
    </>
  );
}
