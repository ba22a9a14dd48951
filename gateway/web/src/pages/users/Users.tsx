import { CheckCircleOutlined, PlusOutlined, SearchOutlined, StopOutlined } from "@ant-design/icons";
import { Button, Flex, Input, Select, Tag, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useLocation } from "react-router";
import { useMay } from "../../api/me";
import { DepartmentSelect, useDepartmentName } from "../../shared/Departments";
import { QUIET } from "../../shared/icons";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { useFilters } from "../../shared/useFilters";
import { useListing } from "../../shared/useListing";
import { roleName } from "../../shared/words";
import { NewUser } from "./NewUser";
import { UserRecord } from "./UserRecord";
import { type User, useRoleLabels } from "./users";

const FILTERS = ["q", "department", "role", "state", "user"] as const;
const STATES: Record<string, string | undefined> = { active: "true", disabled: "false", all: undefined };

/** Who may sign in, as what, and from which department. */
export default function Users() {
  const { t } = useTranslation();
  const [making, setMaking] = useState(false);
  return (
    <Page
      title={t("users.title")}
      permission="admin.users"
      actions={
        <Button type="primary" icon={<PlusOutlined {...QUIET} />} onClick={() => setMaking(true)}>
          {t("users.new")}
        </Button>
      }
    >
      <People />
      {making && <NewUser close={() => setMaking(false)} />}
    </Page>
  );
}

function People() {
  const { t } = useTranslation();
  const [filters, change] = useFilters(FILTERS);
  const { search } = useLocation();
  const seesDepartments = useMay("admin.departments");
  const departmentName = useDepartmentName();
  const roles = useRoleLabels();
  const roleLabel = (key: string) => roles.data?.find((each) => each.key === key)?.label ?? roleName(t, key);
  const state = filters.state ?? "active";
  const listed = useListing<User>("/api/v1/users", {
    q: filters.q,
    department: filters.department,
    role: filters.role,
    active: STATES[state],
  });
  return (
    <>
      <Flex gap={8} wrap style={{ marginBottom: 12 }}>
        <Input
          allowClear
          prefix={<SearchOutlined {...QUIET} />}
          placeholder={t("users.search")}
          aria-label={t("users.search")}
          defaultValue={filters.q}
          onPressEnter={({ currentTarget }) => change({ q: currentTarget.value.trim() })}
          onChange={({ target }) => target.value === "" && change({ q: undefined })}
          style={{ width: 240 }}
        />
        {seesDepartments && (
          <div style={{ width: 200 }}>
            <DepartmentSelect
              label={t("users.department")}
              {...(filters.department ? { value: filters.department } : {})}
              onChange={(department) => change({ department: department as string | undefined })}
            />
          </div>
        )}
        {roles.data && (
          <Select
            allowClear
            aria-label={t("users.roles")}
            placeholder={t("users.anyRole")}
            value={filters.role}
            onChange={(role) => change({ role })}
            options={roles.data.map(({ key, label }) => ({ value: key, label }))}
            style={{ width: 160 }}
          />
        )}
        <Select
          aria-label={t("users.state")}
          value={state}
          onChange={(next) => change({ state: next })}
          options={Object.keys(STATES).map((each) => ({ value: each, label: t(`users.states.${each}`) }))}
          style={{ width: 110 }}
        />
      </Flex>
      <Listing<User>
        listed={listed}
        rowKey="id"
        width={1020}
        to={(user) => {
          const next = new URLSearchParams(search);
          next.set("user", user.username);
          return `/users?${next}`;
        }}
        empty={t(filters.q || filters.department || filters.role ? "users.noneFound" : "users.none")}
        columns={[
          {
            title: t("users.name"),
            dataIndex: "name",
            width: 140,
            render: (name: string, { username }) => (
              <Button
                type="link"
                size="small"
                style={{ padding: 0 }}
                onClick={() => change({ user: username })}
              >
                {name}
              </Button>
            ),
          },
          { title: t("users.username"), dataIndex: "username", width: 150, ellipsis: true },
          { title: t("users.department"), dataIndex: "department", width: 150, render: departmentName },
          {
            title: t("users.roles"),
            dataIndex: "roles",
            width: 240,
            render: (keys: string[]) => <Roles keys={keys} label={roleLabel} />,
          },
          {
            title: t("users.email"),
            dataIndex: "email",
            width: 220,
            ellipsis: true,
            render: (mail) => mail ?? "—",
          },
          {
            title: t("users.state"),
            dataIndex: "active",
            width: 120,
            render: (_, user) => <State user={user} />,
          },
        ]}
        card={(user) => (
          <Flex vertical gap={4}>
            <Flex gap={8} align="center">
              <strong style={{ flex: 1 }}>{user.name}</strong>
              <State user={user} />
            </Flex>
            <Typography.Text type="secondary">
              {user.username} · {departmentName(user.department)}
            </Typography.Text>
            <Roles keys={user.roles} label={roleLabel} />
          </Flex>
        )}
      />
      {filters.user && <UserRecord username={filters.user} close={() => change({ user: undefined })} />}
    </>
  );
}

function Roles({ keys, label }: { keys: string[]; label: (key: string) => string }) {
  const { t } = useTranslation();
  if (keys.length === 0) return <Typography.Text type="warning">{t("users.noRole")}</Typography.Text>;
  return (
    <Flex gap={4} wrap>
      {keys.map((key) => (
        <Tag key={key} variant="filled" style={{ marginInlineEnd: 0 }}>
          {label(key)}
        </Tag>
      ))}
    </Flex>
  );
}

function State({ user }: { user: User }) {
  const { t } = useTranslation();
  if (!user.active) {
    return (
      <Tag variant="filled" icon={<StopOutlined {...QUIET} />}>
        {t("users.states.disabled")}
      </Tag>
    );
  }
  return (
    <Tag variant="filled" color="success" icon={<CheckCircleOutlined {...QUIET} />}>
      {t(user.leave ? "users.onLeave" : "users.states.active")}
    </Tag>
  );
}
