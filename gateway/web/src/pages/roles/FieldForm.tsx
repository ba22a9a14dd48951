import { Modal, Segmented, Select, Table, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { EVERY_FIELD, type FieldRight, LEVELS, type Level, type Resource } from "./draft";
import { useLabel } from "./useLabel";

interface Props {
  resource: Resource;
  masks: string[];
  rights: Record<string, FieldRight>;
  close: () => void;
  take: (rights: Record<string, FieldRight>) => void;
}

/** Which fields of a resource a role sees, and how much of them. */
export function FieldForm({ resource, masks, rights, close, take }: Props) {
  const { t } = useTranslation();
  const label = useLabel();
  const [draft, setDraft] = useState(rights);
  const set = (path: string, right: FieldRight) => {
    const { [path]: _before, ...others } = draft;
    setDraft(right.level === "write" ? others : { ...others, [path]: right });
  };
  const rows = [
    { path: EVERY_FIELD, name: t("roles.otherFields"), mask: null },
    ...resource.fields.map((field) => ({ path: field.path, name: label(field.label), mask: field.mask })),
  ];
  return (
    <Modal
      open
      width={720}
      title={t("roles.fieldTitle", { resource: label(resource.label) })}
      okText={t("roles.take")}
      onOk={() => take(draft)}
      onCancel={close}
    >
      <Typography.Paragraph type="secondary">{t("roles.fieldHint")}</Typography.Paragraph>
      <Table
        size="small"
        rowKey="path"
        pagination={false}
        scroll={{ y: 420, x: 480 }}
        dataSource={rows}
        columns={[
          { title: t("roles.field"), dataIndex: "name" },
          {
            title: t("roles.sees"),
            width: 250,
            render: (_, { path, name, mask }) => (
              <Segmented<Level>
                size="small"
                aria-label={name}
                value={draft[path]?.level ?? "write"}
                onChange={(level) =>
                  set(path, level === "masked" ? { level, mask: mask ?? "text" } : { level })
                }
                options={LEVELS.map((level) => ({ value: level, label: t(`roles.level.${level}`) }))}
              />
            ),
          },
          {
            title: t("roles.maskAs"),
            width: 130,
            render: (_, { path, name }) =>
              draft[path]?.level === "masked" ? (
                <Select
                  size="small"
                  aria-label={`${name}：${t("roles.maskAs")}`}
                  value={draft[path]?.mask ?? "text"}
                  onChange={(mask) => set(path, { level: "masked", mask })}
                  options={masks.map((mask) => ({ value: mask, label: t(`roles.mask.${mask}`) }))}
                  style={{ width: 110 }}
                />
              ) : null,
          },
        ]}
      />
    </Modal>
  );
}
