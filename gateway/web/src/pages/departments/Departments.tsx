import { PlusOutlined } from "@ant-design/icons";
import { Button, Flex, Grid, Table } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { useMay } from "../../api/me";
import { type Department, type DepartmentNode, treeOf, useDepartments } from "../../shared/Departments";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { DepartmentForm } from "./DepartmentForm";

/** The company's departments as a tree, with their heads. */
export default function Departments() {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().md;
  const found = useDepartments();
  const seesUsers = useMay("admin.users");
  // What the form is about: one that is there, or a new one below another.
  const [form, setForm] = useState<{ department?: Department; parent?: string | null } | null>(null);
  const departments = found.data ?? [];
  return (
    <Page
      title={t("departments.title")}
      permission="admin.departments"
      loading={found.isPending}
      problem={found.error}
      retry={found.refetch}
      actions={
        <Button type="primary" icon={<PlusOutlined {...QUIET} />} onClick={() => setForm({ parent: null })}>
          {t("departments.new")}
        </Button>
      }
      empty={found.data?.length === 0 ? t("departments.none") : undefined}
    >
      <Table<DepartmentNode>
        size="middle"
        rowKey="code"
        pagination={false}
        scroll={{ x: wide ? 720 : 340 }}
        expandable={{ defaultExpandAllRows: true, indentSize: wide ? 24 : 14 }}
        dataSource={treeOf(departments)}
        columns={[
          {
            title: t("departments.name"),
            dataIndex: "name",
            render: (name: string, department) => (
              <Button
                type="link"
                size="small"
                style={{ padding: 0 }}
                onClick={() => setForm({ department })}
                aria-label={t("departments.edit", { name })}
              >
                {name}
              </Button>
            ),
          },
          ...(wide ? [{ title: t("departments.code"), dataIndex: "code", width: 160 }] : []),
          {
            title: t("departments.head"),
            dataIndex: "head",
            width: wide ? 180 : 90,
            render: (head: string | null) => <Person username={head} />,
          },
          {
            title: t("departments.actions"),
            width: wide ? 260 : 84,
            render: (_, { code }) => (
              <Flex gap={8} wrap>
                <Button size="small" onClick={() => setForm({ parent: code })}>
                  {t("departments.below")}
                </Button>
                {wide && seesUsers && (
                  <Link to={`/users?department=${encodeURIComponent(code)}`}>
                    <Button size="small" type="link">
                      {t("departments.people")}
                    </Button>
                  </Link>
                )}
              </Flex>
            ),
          },
        ]}
      />
      {form && <DepartmentForm {...form} close={() => setForm(null)} />}
    </Page>
  );
}
