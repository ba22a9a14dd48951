import { CheckCircleFilled } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Card, theme } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type ReadPath } from "../../api/client";
import { useMay, useMe } from "../../api/me";
import { QUIET } from "../../shared/icons";
import { DepartmentForm } from "../departments/DepartmentForm";

interface Step {
  key: "company" | "departments" | "people" | "customers" | "limit";
  path: ReadPath;
  permission: string;
  /** So many there are once it is done. */
  enough: number;
  /** Where it is done; the company is made right here. */
  to?: string;
}

const STEPS: Step[] = [
  { key: "company", path: "/api/v1/departments", permission: "admin.departments", enough: 1 },
  {
    key: "departments",
    path: "/api/v1/departments",
    permission: "admin.departments",
    enough: 2,
    to: "/departments",
  },
  { key: "people", path: "/api/v1/users", permission: "admin.users", enough: 2, to: "/users" },
  {
    key: "customers",
    path: "/api/v1/customers",
    permission: "customers.read",
    enough: 1,
    to: "/customers/import",
  },
  {
    key: "limit",
    path: "/api/v1/applications",
    permission: "applications.read",
    enough: 1,
    to: "/applications/new",
  },
];

/** What a fresh installation needs, in its order; at home it is gone once all of it is done. */
export function Guide({ atHome = false }: { atHome?: boolean }) {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay("admin.system");
  const [making, setMaking] = useState(false);
  const mine = STEPS.filter(({ permission }) => me.data?.permissions.includes(permission));
  const found = useQuery({
    // Below the list of departments, so that making one has the steps counted anew.
    queryKey: ["departments", "setup", mine.map(({ key }) => key)],
    queryFn: async () => {
      const counted = await Promise.all(
        mine.map(({ path }) => get<{ items: unknown[] }>(path, { query: { "page[size]": 2 } })),
      );
      return counted.map(({ items }, place) => items.length >= (mine[place]?.enough ?? 1));
    },
    enabled: mine.length > 0 && may,
  });
  const done = found.data ?? [];
  if (atHome && (!may || found.data === undefined || done.every(Boolean))) return null;
  const next = mine[done.indexOf(false)]?.key;
  return (
    <Card
      size="small"
      title={t("setup.guide")}
      extra={atHome && <Link to="/setup">{t("setup.sample.link")}</Link>}
      style={atHome ? { marginBottom: 16 } : {}}
    >
      <ol style={{ listStyle: "none", margin: 0, padding: 0 }}>
        {mine.map((step, place) => (
          <StepLine
            key={step.key}
            step={step}
            number={place + 1}
            done={done[place] === true}
            next={step.key === next}
            make={() => setMaking(true)}
          />
        ))}
      </ol>
      {making && <DepartmentForm parent={null} close={() => setMaking(false)} />}
    </Card>
  );
}

interface LineProps {
  step: Step;
  number: number;
  done: boolean;
  next: boolean;
  make: () => void;
}

function StepLine({ step: { key, to }, number, done, next, make }: LineProps) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const type = next ? "primary" : "default";
  return (
    <li style={{ display: "flex", gap: 12, alignItems: "center", padding: "10px 0" }}>
      <span
        aria-hidden="true"
        style={{
          width: 26,
          height: 26,
          borderRadius: 13,
          flexShrink: 0,
          display: "grid",
          placeItems: "center",
          fontSize: done ? 24 : 14,
          color: done ? token.colorSuccess : token.colorText,
          background: done ? "transparent" : token.colorFillSecondary,
        }}
      >
        {done ? <CheckCircleFilled {...QUIET} /> : number}
      </span>
      <div style={{ flex: 1, minWidth: 0 }}>
        <strong>{t(`setup.step.${key}`)}</strong>
        {done && <span style={{ color: token.colorSuccess }}>　{t("setup.done")}</span>}
        <div style={{ color: token.colorTextSecondary }}>{t(`setup.hint.${key}`)}</div>
      </div>
      {to ? (
        <Link to={to}>
          <Button type={type} tabIndex={-1}>
            {t(`setup.go.${key}`)}
          </Button>
        </Link>
      ) : (
        !done && (
          <Button type={type} onClick={make}>
            {t(`setup.go.${key}`)}
          </Button>
        )
      )}
    </li>
  );
}
