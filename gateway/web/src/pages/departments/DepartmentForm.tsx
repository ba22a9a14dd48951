import { useQueryClient } from "@tanstack/react-query";
import { Alert, App, Form, Input, Modal } from "antd";
import { useTranslation } from "react-i18next";
import { patch, post } from "../../api/client";
import { type Department, DepartmentSelect } from "../../shared/Departments";
import { PersonSelect } from "../../shared/People";
import { useFormSubmit } from "../../shared/useFormSubmit";

interface Props {
  department?: Department;
  parent?: string | null;
  close: () => void;
}

/** Makes a department, or renames it, moves it and gives it another head. */
export function DepartmentForm({ department, parent = null, close }: Props) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const known = useQueryClient();
  const [form] = Form.useForm();
  const needed = [{ required: true, message: t("sign-in.needed") }];
  const saving = useFormSubmit(
    form,
    (values) => {
      const body = { ...values, parent: values.parent || null, head: values.head || null };
      if (department === undefined) return post("/api/v1/departments", { body });
      return patch("/api/v1/departments/{key}", {
        path: { key: department.code },
        body: { ...body, version: department.version },
      });
    },
    async () => {
      await known.invalidateQueries({ queryKey: ["departments"] });
      message.success(t("departments.saved"));
      close();
    },
  );
  return (
    <Modal
      open
      title={department ? t("departments.edit", { name: department.name }) : t("departments.new")}
      okText={t("departments.save")}
      okButtonProps={{ loading: saving.pending }}
      onOk={form.submit}
      onCancel={close}
    >
      {saving.problem && <Alert type="error" showIcon title={saving.problem} style={{ marginBottom: 12 }} />}
      <Form
        form={form}
        layout="vertical"
        onFinish={saving.submit}
        initialValues={
          department
            ? { name: department.name, parent: department.parent, head: department.head }
            : { parent }
        }
      >
        {department === undefined && (
          <Form.Item
            name="code"
            label={t("departments.code")}
            extra={t("departments.codeHint")}
            rules={needed}
          >
            <Input autoFocus autoComplete="off" />
          </Form.Item>
        )}
        <Form.Item name="name" label={t("departments.name")} rules={needed}>
          <Input autoComplete="off" />
        </Form.Item>
        <Form.Item name="parent" label={t("departments.parent")} extra={t("departments.parentHint")}>
          <DepartmentSelect {...(department ? { without: department.code } : {})} />
        </Form.Item>
        <Form.Item name="head" label={t("departments.head")} extra={t("departments.headHint")}>
          <PersonSelect />
        </Form.Item>
      </Form>
    </Modal>
  );
}
