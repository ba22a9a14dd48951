import { GlobalOutlined, LogoutOutlined } from "@ant-design/icons";
import { Badge, Button, Grid, Layout, Menu } from "antd";
import { Suspense } from "react";
import { useTranslation } from "react-i18next";
import { Link, Outlet, useLocation } from "react-router";
import { useMe } from "../api/me";
import { useOpenTasks } from "../api/tasks";
import { switchLanguage } from "../texts";
import { PAGES, type PageEntry } from "./pages";
import { useSignOut } from "./useSignOut";

const BAR_HEIGHT = 56;

/** What stands around every page: a side menu on a PC, a bottom bar on a phone. */
export function Frame() {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().md;
  const me = useMe();
  const entries = PAGES.filter(
    ({ menu, permission }) =>
      menu && (permission === undefined || me.data?.permissions.includes(permission)),
  );
  // Before the width is known there is nothing to lay out.
  if (wide === undefined) return null;
  return (
    <Layout style={{ minHeight: "100%" }}>
      {wide && <SideMenu entries={entries} />}
      <Layout>
        <Top name={me.data?.user.name ?? ""} />
        <Layout.Content
          style={{ padding: wide ? 24 : 12, paddingBottom: wide ? 24 : BAR_HEIGHT + 24, maxWidth: 1600 }}
        >
          <Suspense fallback={<div aria-busy="true" />}>
            <Outlet />
          </Suspense>
        </Layout.Content>
      </Layout>
      {!wide && <BottomBar entries={entries.filter(({ phone }) => phone)} label={t("app.name")} />}
    </Layout>
  );
}

function Top({ name }: { name: string }) {
  const { t } = useTranslation();
  const signOut = useSignOut();
  return (
    <Layout.Header
      style={{ display: "flex", alignItems: "center", gap: 4, borderBottom: "1px solid #e8eaee" }}
    >
      <strong style={{ flex: 1 }}>{t("app.name")}</strong>
      <span>{name}</span>
      <Button type="text" icon={<GlobalOutlined />} onClick={switchLanguage}>
        {t("app.language")}
      </Button>
      <Button type="text" icon={<LogoutOutlined />} onClick={signOut} aria-label={t("app.signOut")} />
    </Layout.Header>
  );
}

function useCurrent(entries: PageEntry[]): string {
  const { pathname } = useLocation();
  const found = entries.filter(({ path }) => path !== "/" && pathname.startsWith(path));
  return found.at(-1)?.path ?? (pathname === "/" ? "/" : "");
}

function Label({ entry }: { entry: PageEntry }) {
  const { t } = useTranslation();
  const open = useOpenTasks();
  const text = t(`menu.${entry.menu?.key}`);
  if (entry.path !== "/inbox") return text;
  return (
    <>
      {text} <Badge count={open.data?.length ?? 0} size="small" />
    </>
  );
}

function SideMenu({ entries }: { entries: PageEntry[] }) {
  const current = useCurrent(entries);
  return (
    <Layout.Sider width={208} style={{ borderRight: "1px solid #e8eaee" }}>
      <div style={{ height: BAR_HEIGHT, display: "flex", alignItems: "center", paddingLeft: 20 }}>
        <img src="/icon.svg" alt="" width={30} height={30} />
      </div>
      <nav>
        <Menu
          mode="inline"
          selectedKeys={[current]}
          style={{ borderInlineEnd: 0 }}
          items={entries.map((entry) => ({
            key: entry.path,
            icon: entry.menu?.icon,
            label: (
              <Link to={entry.path}>
                <Label entry={entry} />
              </Link>
            ),
          }))}
        />
      </nav>
    </Layout.Sider>
  );
}

function BottomBar({ entries, label }: { entries: PageEntry[]; label: string }) {
  const current = useCurrent(entries);
  return (
    <nav
      aria-label={label}
      style={{
        position: "fixed",
        insetInline: 0,
        bottom: 0,
        zIndex: 10,
        display: "flex",
        background: "#fff",
        borderTop: "1px solid #e8eaee",
        paddingBottom: "env(safe-area-inset-bottom)",
      }}
    >
      {entries.map((entry) => (
        <Link
          key={entry.path}
          to={entry.path}
          aria-current={entry.path === current ? "page" : undefined}
          style={{
            flex: 1,
            height: BAR_HEIGHT,
            display: "grid",
            placeContent: "center",
            justifyItems: "center",
            fontSize: 12,
            color: entry.path === current ? "#1456f0" : "#4a515c",
          }}
        >
          <span style={{ fontSize: 20 }}>{entry.menu?.icon}</span>
          <span>
            <Label entry={entry} />
          </span>
        </Link>
      ))}
    </nav>
  );
}
