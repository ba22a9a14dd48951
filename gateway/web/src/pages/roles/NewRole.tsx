import { useQueryClient } from "@tanstack/react-query";
import { Alert, Form, Input, Modal, Select } from "antd";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { ADMIN, draftOf, type Role, toBody } from "./draft";
import { useRoles } from "./useRoles";

/** Makes a role, empty or as another one. */
export function NewRole({ close, made }: { close: () => void; made: (key: string) => void }) {
  const { t } = useTranslation();
  const known = useQueryClient();
  const [form] = Form.useForm();
  const roles = useRoles();
  const needed = { required: true, message: t("sign-in.needed") };
  const making = useFormSubmit(
    form,
    ({ key, label, as }) => {
      const model = roles.data?.find((role) => role.key === as);
      const rights = model ? toBody(draftOf(model)) : {};
      return post<Role>("/api/v1/roles", { body: { ...rights, key, label } });
    },
    async (role) => {
      await known.invalidateQueries({ queryKey: ["roles"] });
      made(role.key);
    },
  );
  return (
    <Modal
      open
      title={t("roles.new")}
      okText={t("roles.make")}
      okButtonProps={{ loading: making.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      {making.problem && <Alert type="error" showIcon title={making.problem} style={{ marginBottom: 12 }} />}
      <Form form={form} layout="vertical" onFinish={making.submit}>
        <Form.Item name="label" label={t("roles.label")} rules={[needed]}>
          <Input autoFocus maxLength={100} autoComplete="off" />
        </Form.Item>
        <Form.Item
          name="key"
          label={t("roles.key")}
          extra={t("roles.keyHint")}
          rules={[needed, { pattern: /^[a-z][a-z0-9_]{0,49}$/, message: t("roles.keyHint") }]}
        >
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="as" label={t("roles.as")}>
          <Select
            allowClear
            placeholder={t("roles.asNothing")}
            options={roles.data
              ?.filter(({ key }) => key !== ADMIN)
              .map(({ key, label }) => ({ value: key, label }))}
          />
        </Form.Item>
      </Form>
    </Modal>
  );
}
