import { Button, Card, Checkbox, Flex, Grid, Table, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { type Catalogue, type Draft, isEverything, type Resource, type Right, withRight } from "./draft";
import { useLabel } from "./useLabel";

/** The actions that most resources have stand in columns of their own; others by their names. */
const COLUMNS: { key: string; actions: string[] }[] = [
  { key: "read", actions: ["read"] },
  { key: "create", actions: ["create", "open", "start"] },
  { key: "change", actions: ["update", "change", "write"] },
  { key: "remove", actions: ["delete", "reverse", "withdraw"] },
];
const NAMED = new Set(COLUMNS.flatMap(({ actions }) => actions));

interface Props {
  catalogue: Catalogue;
  draft: Draft;
  fixed: boolean;
  change: (draft: Draft) => void;
  openScope: (resource: Resource) => void;
  openFields: (resource: Resource) => void;
}

/** Resources by actions, with the records and the fields that each reaches. */
export function Matrix(props: Props) {
  const { t } = useTranslation();
  const label = useLabel();
  const wide = Grid.useBreakpoint().md;
  const { catalogue, draft, fixed, change } = props;
  const rightsOf = (resource: Resource) => catalogue.items.filter((each) => each.resource === resource.key);
  const box = (resource: Resource, right: Right, named: boolean) => (
    <Checkbox
      key={right.key}
      checked={right.key in draft.reach}
      disabled={fixed}
      aria-label={`${label(resource.label)}：${label(right.label)}`}
      onChange={({ target }) => change(withRight(draft, right, target.checked))}
    >
      {named ? label(right.label) : null}
    </Checkbox>
  );
  if (!wide) {
    return (
      <Flex vertical gap={8}>
        {catalogue.resources.map((resource) => (
          <Card key={resource.key} size="small" title={label(resource.label)}>
            <Flex gap="8px 12px" wrap>
              {rightsOf(resource).map((right) => box(resource, right, true))}
            </Flex>
            <Flex gap={8} wrap style={{ marginTop: 8 }}>
              <ScopeButton {...props} resource={resource} named />
              <FieldButton {...props} resource={resource} named />
            </Flex>
          </Card>
        ))}
      </Flex>
    );
  }
  return (
    <Table<Resource>
      size="middle"
      rowKey="key"
      pagination={false}
      scroll={{ x: 880 }}
      dataSource={catalogue.resources}
      columns={[
        {
          title: t("roles.resource"),
          width: 96,
          fixed: "left",
          render: (_, resource) => <strong>{label(resource.label)}</strong>,
        },
        ...COLUMNS.map(({ key, actions }) => ({
          title: t(`roles.column.${key}`),
          key,
          width: key === "remove" ? 92 : 64,
          align: "center" as const,
          render: (_: unknown, resource: Resource) => {
            const right = rightsOf(resource).find(({ action }) => actions.includes(action));
            if (right === undefined) return <Typography.Text type="secondary">·</Typography.Text>;
            return box(resource, right, false);
          },
        })),
        {
          title: t("roles.column.others"),
          render: (_, resource) => (
            <Flex gap="2px 10px" wrap>
              {rightsOf(resource)
                .filter(({ action }) => !NAMED.has(action))
                .map((right) => box(resource, right, true))}
            </Flex>
          ),
        },
        {
          title: t("roles.records"),
          width: 136,
          render: (_, resource) => <ScopeButton {...props} resource={resource} />,
        },
        {
          title: t("roles.fields"),
          width: 104,
          render: (_, resource) => <FieldButton {...props} resource={resource} />,
        },
      ]}
    />
  );
}

interface CellProps extends Props {
  resource: Resource;
  /** Without a head above it. */
  named?: boolean;
}

function ScopeButton({ catalogue, draft, fixed, openScope, resource, named }: CellProps) {
  const { t } = useTranslation();
  const narrowed = catalogue.items.filter(
    ({ key, resource: of, scoped }) => of === resource.key && scoped && key in draft.reach,
  );
  if (narrowed.length === 0) return named ? null : <Typography.Text type="secondary">—</Typography.Text>;
  const told = new Set(
    narrowed.map(({ key }) => {
      const reach = draft.reach[key];
      if (reach === undefined || isEverything(reach)) return t("roles.scope.all");
      const kinds = reach.scopes.map(({ kind }) => t(`roles.scope.${kind}`)).join("、");
      return reach.condition ? t("roles.andCondition", { kinds }) : kinds;
    }),
  );
  const reached = told.size === 1 ? [...told][0] : t("roles.differs");
  const text = named ? `${t("roles.records")}：${reached}` : reached;
  return (
    <Button
      size="small"
      disabled={fixed}
      onClick={() => openScope(resource)}
      style={named ? {} : { maxWidth: 122 }}
      title={text}
    >
      <span style={{ overflow: "hidden", textOverflow: "ellipsis" }}>{text}</span>
    </Button>
  );
}

function FieldButton({ draft, fixed, openFields, resource, named }: CellProps) {
  const { t } = useTranslation();
  if (resource.fields.length === 0)
    return named ? null : <Typography.Text type="secondary">—</Typography.Text>;
  const count = Object.keys(draft.fields[resource.key] ?? {}).length;
  return (
    <Button size="small" disabled={fixed} onClick={() => openFields(resource)}>
      {named && `${t("roles.fields")}：`}
      {count === 0 ? t("roles.allFields") : t("roles.someFields", { count })}
    </Button>
  );
}
