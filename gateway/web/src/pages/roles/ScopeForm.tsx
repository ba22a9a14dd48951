import { Alert, Checkbox, Flex, Input, Modal, Select, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { DepartmentSelect } from "../../shared/Departments";
import { type Catalogue, type Draft, EVERYTHING, type Reach, type Resource, type Scope } from "./draft";
import { useLabel } from "./useLabel";

interface Props {
  resource: Resource;
  catalogue: Catalogue;
  draft: Draft;
  close: () => void;
  take: (draft: Draft) => void;
}

/** Which records the rights on a resource reach: all of them alike, or each for itself. */
export function ScopeForm({ resource, catalogue, draft, close, take }: Props) {
  const { t } = useTranslation();
  const label = useLabel();
  const rights = catalogue.items.filter(
    ({ key, resource: of, scoped }) => of === resource.key && scoped && key in draft.reach,
  );
  const [reach, setReach] = useState<Record<string, Reach>>(() =>
    Object.fromEntries(rights.map(({ key }) => [key, draft.reach[key] ?? EVERYTHING])),
  );
  const [alike, setAlike] = useState(
    new Set(Object.values(reach).map((each) => JSON.stringify(each))).size <= 1,
  );
  const first = rights[0];
  const all = (next: Reach) => setReach(Object.fromEntries(rights.map(({ key }) => [key, next])));
  const incomplete = Object.values(reach).some(
    ({ scopes }) => scopes.length === 0 || scopes.some(isIncomplete),
  );
  return (
    <Modal
      open
      width={680}
      title={t("roles.scopeTitle", { resource: label(resource.label) })}
      okText={t("roles.take")}
      okButtonProps={{ disabled: incomplete }}
      onOk={() => take({ ...draft, reach: { ...draft.reach, ...reach } })}
      onCancel={close}
    >
      <Flex vertical gap={14}>
        <Typography.Text type="secondary">{t("roles.scopeHint")}</Typography.Text>
        <Checkbox
          checked={alike}
          onChange={({ target }) => {
            setAlike(target.checked);
            if (target.checked && first) all(reach[first.key] ?? EVERYTHING);
          }}
        >
          {t("roles.alike")}
        </Checkbox>
        {alike && first ? (
          <ReachFields
            resource={resource}
            kinds={catalogue.scope_kinds}
            reach={reach[first.key] ?? EVERYTHING}
            change={all}
            name={t("roles.records")}
          />
        ) : (
          rights.map((right) => (
            <div key={right.key}>
              <strong>{label(right.label)}</strong>
              <ReachFields
                resource={resource}
                kinds={catalogue.scope_kinds}
                reach={reach[right.key] ?? EVERYTHING}
                change={(next) => setReach({ ...reach, [right.key]: next })}
                name={label(right.label)}
              />
            </div>
          ))
        )}
        {incomplete && <Alert type="warning" showIcon title={t("roles.incomplete")} />}
      </Flex>
    </Modal>
  );
}

function isIncomplete({ kind, departments, expression }: Scope): boolean {
  return (kind === "departments" && !departments?.length) || (kind === "expression" && !expression?.trim());
}

interface ReachProps {
  resource: Resource;
  kinds: string[];
  reach: Reach;
  change: (reach: Reach) => void;
  name: string;
}

function ReachFields({ resource, kinds, reach, change, name }: ReachProps) {
  const { t } = useTranslation();
  const label = useLabel();
  const of = (kind: string) => reach.scopes.find((scope) => scope.kind === kind);
  const put = (scope: Scope) =>
    change({ ...reach, scopes: reach.scopes.map((each) => (each.kind === scope.kind ? scope : each)) });
  const choose = (chosen: string[]) => {
    const added = chosen.find((kind) => of(kind) === undefined);
    // All records and a part of them is all of them: what was chosen last counts.
    const wanted = added === "all" ? ["all"] : chosen.filter((kind) => kind !== "all" || chosen.length === 1);
    change({ ...reach, scopes: wanted.map((kind) => of(kind) ?? { kind }) });
  };
  const readable = resource.scope_fields.map((field) => label(field.label)).join("、");
  return (
    <Flex vertical gap={8} style={{ marginTop: 4 }}>
      <Select
        mode="multiple"
        aria-label={`${name}：${t("roles.records")}`}
        value={reach.scopes.map(({ kind }) => kind)}
        onChange={choose}
        options={kinds.map((kind) => ({ value: kind, label: t(`roles.scope.${kind}`) }))}
        style={{ width: "100%" }}
      />
      {of("departments") && (
        <DepartmentSelect
          several
          label={t("roles.scope.departments")}
          value={of("departments")?.departments ?? []}
          onChange={(departments) => put({ kind: "departments", departments: departments as string[] })}
        />
      )}
      {of("expression") && (
        <Input.TextArea
          aria-label={t("roles.scope.expression")}
          placeholder={t("roles.expressionHint", { fields: readable })}
          value={of("expression")?.expression ?? ""}
          onChange={({ target }) => put({ kind: "expression", expression: target.value })}
          autoSize={{ minRows: 1, maxRows: 5 }}
        />
      )}
      <Input.TextArea
        aria-label={t("roles.condition")}
        placeholder={t("roles.conditionHint", { fields: readable })}
        value={reach.condition ?? ""}
        onChange={({ target }) => change({ ...reach, condition: target.value.trim() ? target.value : null })}
        autoSize={{ minRows: 1, maxRows: 5 }}
      />
    </Flex>
  );
}
