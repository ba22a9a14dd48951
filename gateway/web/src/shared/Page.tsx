import { Button, Empty, Result, Skeleton } from "antd";
import { type ReactNode, useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { useMay, useMe } from "../api/me";
import { Problem } from "../api/problem";

const SKELETON_AFTER_MS = 300;

interface Props {
  title: string;
  permission?: string;
  actions?: ReactNode;
  loading?: boolean;
  problem?: Error | null;
  retry?: () => void;
  /** What belongs here and how the first one is made; shown instead of the children. */
  empty?: ReactNode;
  children?: ReactNode;
}

/** The frame of every page: its title, its main action, and the states that every page has. */
export function Page({ title, actions, ...state }: Props) {
  return (
    <section aria-label={title}>
      <header style={{ display: "flex", alignItems: "center", gap: 8, marginBottom: 16, flexWrap: "wrap" }}>
        <h1 style={{ fontSize: 20, margin: 0, flex: 1, minWidth: "fit-content" }}>{title}</h1>
        {actions}
      </header>
      <Body {...state} />
    </section>
  );
}

function Body({ permission, loading, problem, retry, empty, children }: Omit<Props, "title" | "actions">) {
  const { t } = useTranslation();
  const me = useMe();
  const may = useMay(permission);
  if (me.data !== undefined && !may) return <Result status="403" title={t("page.noPermission")} />;
  if (permission !== undefined && me.data === undefined && !me.error) return <LateSkeleton />;
  if (problem) return <Failure problem={problem} retry={retry} />;
  if (loading) return <LateSkeleton />;
  if (empty) return <Empty description={empty} style={{ padding: 48 }} />;
  return children;
}

function Failure({ problem, retry }: { problem: Error; retry?: (() => void) | undefined }) {
  const { t } = useTranslation();
  if (problem instanceof Problem && problem.status === 403) {
    return <Result status="403" title={t("page.noPermission")} subTitle={problem.message} />;
  }
  return (
    <Result
      status="error"
      title={problem.message || t("page.failed")}
      subTitle={
        problem instanceof Problem && problem.traceId ? t("page.trace", { id: problem.traceId }) : null
      }
      extra={retry && <Button onClick={retry}>{t("page.retry")}</Button>}
    />
  );
}

function LateSkeleton() {
  const [late, setLate] = useState(false);
  useEffect(() => {
    const timer = setTimeout(() => setLate(true), SKELETON_AFTER_MS);
    return () => clearTimeout(timer);
  }, []);
  return late ? <Skeleton active paragraph={{ rows: 6 }} /> : <div aria-busy="true" />;
}
