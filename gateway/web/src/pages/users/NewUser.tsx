import { Alert, App, Form, Input, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { emptied, UserFields } from "./UserFields";
import { type User, useUsersChanged } from "./users";

/** Makes a user. */
export function NewUser({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm();
  const changed = useUsersChanged();
  const making = useFormSubmit(
    form,
    ({ password, ...values }) =>
      post<User>("/api/v1/users", { body: { ...emptied(values), ...(password ? { password } : {}) } }),
    async (user) => {
      await changed();
      message.success(t("users.made", { name: user.name }));
      close();
    },
  );
  return (
    <Modal
      open
      title={t("users.new")}
      okText={t("users.make")}
      okButtonProps={{ loading: making.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      {making.problem && <Alert type="error" showIcon title={making.problem} style={{ marginBottom: 12 }} />}
      <Form form={form} layout="vertical" onFinish={making.submit} initialValues={{ roles: [] }}>
        <Form.Item
          name="username"
          label={t("users.username")}
          extra={t("users.usernameHint")}
          rules={[{ required: true, message: t("sign-in.needed") }]}
        >
          <Input autoFocus autoComplete="off" />
        </Form.Item>
        <UserFields />
        <Form.Item name="password" label={t("users.password")} extra={t("users.passwordHint")}>
          <Input.Password autoComplete="new-password" />
        </Form.Item>
      </Form>
    </Modal>
  );
}
