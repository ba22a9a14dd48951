import { Alert, Form, Input, Modal, Radio, Select, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import type { TaskAction, TaskInFull } from "../../api/tasks";
import { PersonSelect } from "../../shared/People";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { useTasksChanged } from "./changed";
import { usePassedNodes } from "./Progress";

interface Props {
  task: TaskInFull;
  action: Exclude<TaskAction, "approve">;
  close: () => void;
  done: () => void;
}

/** Everything that is done with a task besides approving it: what is asked for, and what will follow. */
export function DeedForm({ task, action, close, done }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm();
  const changed = useTasksChanged();
  const needed = [{ required: true, message: t("sign-in.needed") }];
  const deed = useFormSubmit(
    form,
    (body) => post(`/api/v1/tasks/{task_id}:${action}`, { path: { task_id: task.id }, body }),
    () => changed(done),
  );
  const toOne = action === "transfer" || action === "delegate";
  const toSome = action === "add-sign" || action === "cc";
  return (
    <Modal
      open
      title={t(`inbox.deed.${action}`)}
      okText={t(`inbox.deed.${action}`)}
      okButtonProps={{ loading: deed.pending, danger: action === "reject" }}
      onOk={form.submit}
      onCancel={close}
    >
      <Typography.Paragraph type="secondary">{t(`inbox.follows.${action}`)}</Typography.Paragraph>
      {deed.problem && <Alert type="error" showIcon title={deed.problem} style={{ marginBottom: 12 }} />}
      <Form
        form={form}
        layout="vertical"
        onFinish={deed.submit}
        initialValues={{ when: "before", resume: "restart" }}
      >
        {toOne && (
          <Form.Item name="to" label={t("inbox.toWhom")} rules={needed}>
            <PersonSelect />
          </Form.Item>
        )}
        {toSome && (
          <Form.Item name="to" label={t("inbox.toWhom")} rules={needed}>
            <PersonSelect several />
          </Form.Item>
        )}
        {action === "comment" && (
          <Form.Item name="mention" label={t("inbox.mention")}>
            <PersonSelect several />
          </Form.Item>
        )}
        {action === "add-sign" && (
          <Form.Item name="when" label={t("inbox.when")}>
            <Radio.Group
              options={["before", "after", "beside"].map((value) => ({
                value,
                label: t(`inbox.sign.${value}`),
              }))}
            />
          </Form.Item>
        )}
        {action === "return" && <ReturnTo task={task} />}
        {action !== "urge" && (
          <Form.Item
            name="opinion"
            label={t(action === "reject" || action === "return" ? "inbox.why" : "inbox.opinion")}
            rules={action === "reject" || action === "return" || action === "comment" ? needed : []}
          >
            <Input.TextArea autoFocus autoSize={{ minRows: 2, maxRows: 6 }} maxLength={2000} />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}

function ReturnTo({ task }: { task: TaskInFull }) {
  const { t } = useTranslation();
  const passed = usePassedNodes(task);
  return (
    <>
      <Form.Item name="to" label={t("inbox.returnTo")}>
        <Select
          allowClear
          placeholder={t("inbox.initiator")}
          options={passed.map(({ key, title }) => ({ value: key, label: title }))}
        />
      </Form.Item>
      <Form.Item name="resume" label={t("inbox.resume")}>
        <Radio.Group
          options={["restart", "straight"].map((value) => ({ value, label: t(`inbox.resumes.${value}`) }))}
        />
      </Form.Item>
    </>
  );
}
