import { Alert, App, DatePicker, Form, Modal } from "antd";
import type { Dayjs } from "dayjs";
import { useTranslation } from "react-i18next";
import { put } from "../../api/client";
import { PersonSelect } from "../../shared/People";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { type User, useUsersChanged } from "./users";

const DAY = "YYYY-MM-DD";

/** Says when somebody is away, and who does their work meanwhile. */
export function LeaveForm({ user, close }: { user: User; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm();
  const changed = useUsersChanged();
  const saving = useFormSubmit(
    form,
    ({ days, stand_in }) => {
      const [from, until] = days as [Dayjs, Dayjs];
      const body = { from: from.format(DAY), until: until.format(DAY), ...(stand_in ? { stand_in } : {}) };
      return put("/api/v1/users/{key}/leave", { path: { key: user.username }, body });
    },
    async () => {
      await changed();
      message.success(t("users.saved"));
      close();
    },
  );
  return (
    <Modal
      open
      title={t("users.leaveTitle", { name: user.name })}
      okText={t("users.save")}
      okButtonProps={{ loading: saving.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      {saving.problem && <Alert type="error" showIcon title={saving.problem} style={{ marginBottom: 12 }} />}
      <Form form={form} layout="vertical" onFinish={saving.submit}>
        <Form.Item
          name="days"
          label={t("users.leaveDays")}
          rules={[{ required: true, message: t("sign-in.needed") }]}
        >
          <DatePicker.RangePicker style={{ width: "100%" }} />
        </Form.Item>
        <Form.Item name="stand_in" label={t("users.standIn")} extra={t("users.standInHint")}>
          <PersonSelect />
        </Form.Item>
      </Form>
    </Modal>
  );
}
