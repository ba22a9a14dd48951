import { Form, Input, Select } from "antd";
import { useTranslation } from "react-i18next";
import { useMay } from "../../api/me";
import { DepartmentSelect } from "../../shared/Departments";
import { usePositions, useRoleLabels } from "./users";

/** What is asked of a user, when one is made and when one changes. */
export function UserFields() {
  const { t } = useTranslation();
  const roles = useRoleLabels();
  const positions = usePositions();
  const seesDepartments = useMay("admin.departments");
  return (
    <>
      <Form.Item
        name="name"
        label={t("users.name")}
        rules={[{ required: true, message: t("sign-in.needed") }]}
      >
        <Input autoComplete="off" />
      </Form.Item>
      <Form.Item name="email" label={t("users.email")} extra={t("users.emailHint")}>
        <Input autoComplete="off" inputMode="email" allowClear />
      </Form.Item>
      {seesDepartments && (
        <Form.Item name="department" label={t("users.department")}>
          <DepartmentSelect />
        </Form.Item>
      )}
      {positions.data && positions.data.length > 0 && (
        <Form.Item name="position" label={t("users.position")}>
          <Select
            allowClear
            placeholder={t("users.choosePosition")}
            options={positions.data.map(({ code, name }) => ({ value: code, label: name }))}
          />
        </Form.Item>
      )}
      <Form.Item name="roles" label={t("users.roles")} extra={t("users.rolesHint")}>
        <Select
          mode={roles.data ? "multiple" : "tags"}
          placeholder={t("users.chooseRoles")}
          options={roles.data?.map(({ key, label }) => ({ value: key, label })) ?? []}
        />
      </Form.Item>
    </>
  );
}

/** Fields that were emptied are sent as nothing. */
export function emptied(values: Record<string, unknown>): Record<string, unknown> {
  const optional = ["email", "department", "position"];
  return {
    ...values,
    ...Object.fromEntries(
      optional.filter((each) => each in values && !values[each]).map((each) => [each, null]),
    ),
  };
}
