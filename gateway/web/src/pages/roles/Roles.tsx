import { PlusOutlined } from "@ant-design/icons";
import { Button, Flex, Grid, Menu, Select, Tabs } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { useFilters } from "../../shared/useFilters";
import { ADMIN } from "./draft";
import { NewRole } from "./NewRole";
import { RoleEditor } from "./RoleEditor";
import { Safety } from "./Safety";
import { useCatalogue, useRoles } from "./useRoles";

const FILTERS = ["role", "tab"] as const;

/** What each role may do, with which records and fields; and what signing in and separated duties ask for. */
export default function Roles() {
  const { t } = useTranslation();
  const [filters, change] = useFilters(FILTERS);
  const [making, setMaking] = useState(false);
  return (
    <Page
      title={t("roles.title")}
      permission="admin.roles"
      actions={
        <Button type="primary" icon={<PlusOutlined {...QUIET} />} onClick={() => setMaking(true)}>
          {t("roles.new")}
        </Button>
      }
    >
      <Tabs
        activeKey={filters.tab ?? "matrix"}
        onChange={(tab) => change({ tab: tab === "matrix" ? undefined : tab })}
        items={[
          {
            key: "matrix",
            label: t("roles.matrix"),
            children: <Matrices chosen={filters.role} choose={(role) => change({ role })} />,
          },
          { key: "safety", label: t("roles.safety"), children: <Safety /> },
        ]}
      />
      {making && (
        <NewRole
          close={() => setMaking(false)}
          made={(role) => {
            setMaking(false);
            change({ role, tab: undefined });
          }}
        />
      )}
    </Page>
  );
}

function Matrices({ chosen, choose }: { chosen: string | undefined; choose: (role: string) => void }) {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().lg;
  const roles = useRoles();
  const catalogue = useCatalogue();
  if (roles.data === undefined || catalogue.data === undefined) {
    const problem = roles.error ?? catalogue.error;
    return <Page title="" loading problem={problem} retry={() => [roles.refetch(), catalogue.refetch()]} />;
  }
  const shown =
    roles.data.find(({ key }) => key === chosen) ??
    roles.data.find(({ key }) => key !== ADMIN) ??
    roles.data[0];
  const options = roles.data.map(({ key, label }) => ({ key, label }));
  return (
    <Flex gap={16} vertical={!wide} align={wide ? "start" : "stretch"}>
      {wide ? (
        <nav aria-label={t("roles.title")} style={{ width: 190, flexShrink: 0 }}>
          <Menu
            mode="inline"
            selectedKeys={shown ? [shown.key] : []}
            onClick={({ key }) => choose(key)}
            items={options}
            style={{ borderRadius: 8, borderInlineEnd: 0 }}
          />
        </nav>
      ) : (
        <Select
          aria-label={t("roles.choose")}
          value={shown?.key}
          onChange={choose}
          options={options.map(({ key, label }) => ({ value: key, label }))}
        />
      )}
      <div style={{ flex: 1, minWidth: 0 }}>
        {shown && (
          <RoleEditor key={`${shown.key}:${shown.version}`} role={shown} catalogue={catalogue.data} />
        )}
      </div>
    </Flex>
  );
}
