import { Alert, App, Form, Input, Modal, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { patch } from "../../api/client";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { type User, useUsersChanged } from "./users";

/** Gives somebody another password; every session of theirs ends. */
export function NewPassword({ user, close }: { user: User; close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm();
  const changed = useUsersChanged();
  const resetting = useFormSubmit(
    form,
    ({ password }) => patch("/api/v1/users/{key}", { path: { key: user.username }, body: { password } }),
    async () => {
      await changed();
      message.success(t("users.passwordReset"));
      close();
    },
  );
  return (
    <Modal
      open
      title={t("users.resetPassword")}
      okText={t("users.resetPassword")}
      okButtonProps={{ loading: resetting.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      <Typography.Paragraph type="secondary">
        {t("users.resetFollows", { name: user.name })}
      </Typography.Paragraph>
      {resetting.problem && (
        <Alert type="error" showIcon title={resetting.problem} style={{ marginBottom: 12 }} />
      )}
      <Form form={form} layout="vertical" onFinish={resetting.submit}>
        <Form.Item
          name="password"
          label={t("sign-in.newPassword")}
          rules={[{ required: true, message: t("sign-in.needed") }]}
        >
          <Input.Password autoFocus autoComplete="new-password" />
        </Form.Item>
      </Form>
    </Modal>
  );
}
