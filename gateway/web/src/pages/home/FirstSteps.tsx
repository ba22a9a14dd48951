import { CheckCircleFilled } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Card, Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { get, type ReadPath } from "../../api/client";
import { useMay } from "../../api/me";
import { QUIET } from "../../shared/icons";

interface Step {
  key: string;
  to: string;
  path: ReadPath;
  /** More than this many, and the step is done. */
  beyond: number;
}

/** What a fresh installation needs, in its order: departments, people, customers, a first limit. */
const STEPS: Step[] = [
  { key: "departments", to: "/departments", path: "/api/v1/departments", beyond: 0 },
  { key: "people", to: "/users", path: "/api/v1/users", beyond: 1 },
  { key: "customers", to: "/customers/import", path: "/api/v1/customers", beyond: 0 },
  { key: "limit", to: "/applications/new", path: "/api/v1/applications", beyond: 0 },
];

/** The guide of a fresh installation, for who administers it; gone when all of it is done. */
export function FirstSteps() {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const may = useMay("admin.users");
  const found = useQuery({
    queryKey: ["first-steps"],
    queryFn: () =>
      Promise.all(STEPS.map(({ path }) => get<{ items: unknown[] }>(path, { query: { "page[size]": 2 } }))),
    enabled: may,
  });
  if (!may || found.data === undefined) return null;
  const done = found.data.map(({ items }, place) => items.length > (STEPS[place]?.beyond ?? 0));
  if (done.every(Boolean)) return null;
  return (
    <Card size="small" title={t("home.first.title")} style={{ marginBottom: 16 }}>
      <Typography.Paragraph type="secondary">{t("home.first.hint")}</Typography.Paragraph>
      <Flex gap={12} wrap>
        {STEPS.map(({ key, to }, place) => (
          <Link
            key={key}
            to={to}
            style={{
              flex: "1 1 200px",
              padding: 12,
              color: token.colorText,
              border: `1px solid ${done[place] ? token.colorSuccessBorder : token.colorBorder}`,
              borderRadius: token.borderRadius,
            }}
          >
            <strong>
              {done[place] ? (
                <CheckCircleFilled {...QUIET} style={{ color: token.colorSuccess }} />
              ) : (
                `${place + 1}.`
              )}{" "}
              {t(`home.first.${key}`)}
            </strong>
            <div style={{ color: token.colorTextSecondary }}>{t(`home.first.${key}Hint`)}</div>
          </Link>
        ))}
      </Flex>
    </Card>
  );
}
