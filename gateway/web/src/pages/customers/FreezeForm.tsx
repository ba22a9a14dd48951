import { useQueryClient } from "@tanstack/react-query";
import { Alert, Form, Input, Modal, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { useFormSubmit } from "../../shared/useFormSubmit";

interface Props {
  id: string;
  action: "freeze" | "unfreeze";
  close: () => void;
}

/** Stopping a customer's new credit, or letting it go on: says what follows, and keeps the reason. */
export function FreezeForm({ id, action, close }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm();
  const known = useQueryClient();
  const send = useFormSubmit(
    form,
    (body) => post(`/api/v1/credit-accounts/{customer_id}:${action}`, { path: { customer_id: id }, body }),
    async () => {
      await known.invalidateQueries({ queryKey: ["account", id] });
      await known.invalidateQueries({ queryKey: ["customer", id] });
      close();
    },
  );
  return (
    <Modal
      open
      title={t(`customers.${action}`)}
      okText={t(`customers.${action}`)}
      okButtonProps={{ danger: action === "freeze", loading: send.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      <Typography.Paragraph>{t(`customers.follows.${action}`)}</Typography.Paragraph>
      {send.problem && <Alert type="error" showIcon title={send.problem} style={{ marginBottom: 12 }} />}
      <Form form={form} layout="vertical" onFinish={send.submit}>
        <Form.Item
          name="reason"
          label={t("customers.reason")}
          rules={[{ required: true, message: t("sign-in.needed") }]}
        >
          <Input.TextArea autoFocus autoSize={{ minRows: 2 }} maxLength={500} />
        </Form.Item>
      </Form>
    </Modal>
  );
}
