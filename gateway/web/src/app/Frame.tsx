import {
  BankOutlined,
  BarChartOutlined,
  HomeOutlined,
  NotificationOutlined,
  SettingOutlined,
  ShoppingOutlined,
  TeamOutlined,
} from "@ant-design/icons";
import { Badge, Grid, Layout, Menu, type MenuProps, theme } from "antd";
import { type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, matchPath, Outlet, useLocation } from "react-router";
import { useLive, useWaiting } from "../api/live";
import { useMe } from "../api/me";
import { QUIET } from "../shared/icons";
import { Boundary } from "./Boundary";
import { type Group, menuOf, PAGES, type PageEntry } from "./pages";
import { Top } from "./Top";

const BAR_HEIGHT = 56;
const ICONS: Record<Group, ReactNode> = {
  home: <HomeOutlined {...QUIET} />,
  customers: <TeamOutlined {...QUIET} />,
  credit: <BankOutlined {...QUIET} />,
  orders: <ShoppingOutlined {...QUIET} />,
  collections: <NotificationOutlined {...QUIET} />,
  analysis: <BarChartOutlined {...QUIET} />,
  settings: <SettingOutlined {...QUIET} />,
};

/** What stands around every page: a side menu on a PC, a bottom bar on a phone. */
export function Frame() {
  const { t } = useTranslation();
  const wide = Grid.useBreakpoint().md;
  const { pathname } = useLocation();
  const me = useMe();
  useLive();
  const menu = menuOf(me.data?.permissions ?? []);
  // Before the width is known there is nothing to lay out.
  if (wide === undefined) return null;
  return (
    <Layout hasSider={wide} style={{ minHeight: "100%" }}>
      <button type="button" className="skip" onClick={toContent}>
        {t("app.skip")}
      </button>
      {wide && <SideMenu menu={menu} />}
      <Layout>
        <Top me={me.data} wide={wide} />
        <Layout.Content
          id="content"
          tabIndex={-1}
          style={{
            padding: wide ? "20px 24px" : 12,
            paddingBottom: wide ? 24 : BAR_HEIGHT + 24,
            outline: "none",
          }}
        >
          <Boundary key={pathname}>
            <Suspense fallback={<div aria-busy="true" />}>
              <Outlet />
            </Suspense>
          </Boundary>
        </Layout.Content>
      </Layout>
      {!wide && <BottomBar entries={menu.flatMap(({ entries }) => entries)} />}
    </Layout>
  );
}

function toContent(): void {
  document.getElementById("content")?.focus();
}

/** The entry that stands for where one is: the page itself, else the longest menu entry above it. */
function useCurrent(): PageEntry | undefined {
  const { pathname } = useLocation();
  const here = PAGES.find(({ path }) => matchPath(path, pathname) !== null);
  if (here?.menu) return here;
  return PAGES.filter(({ path, menu }) => menu && path !== "/" && pathname.startsWith(`${path}/`))
    .sort((one, other) => other.path.length - one.path.length)
    .at(0);
}

function Label({ entry }: { entry: PageEntry }) {
  const { t } = useTranslation();
  const waiting = useWaiting();
  const text = t(entry.menu?.text ?? "");
  if (entry.path !== "/inbox") return text;
  return (
    <span style={{ display: "inline-flex", gap: 8, alignItems: "center" }}>
      {text} <Badge count={waiting.open} size="small" title={t("app.waiting", { count: waiting.open })} />
    </span>
  );
}

function SideMenu({ menu }: { menu: ReturnType<typeof menuOf> }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const current = useCurrent();
  const [closed, setClosed] = useState<string[]>([]);
  const items: MenuProps["items"] = menu.flatMap(({ group, entries }): NonNullable<MenuProps["items"]> => {
    const leaves = entries
      .filter(({ phoneOnly }) => !phoneOnly)
      .map((entry) => ({
        key: entry.path,
        icon: entry.menu?.icon,
        label: (
          <Link to={entry.path}>
            <Label entry={entry} />
          </Link>
        ),
      }));
    if (group === "home" || leaves.length === 1) return leaves;
    return [{ key: group, icon: ICONS[group], label: t(`group.${group}`), children: leaves }];
  });
  return (
    <Layout.Sider
      width={212}
      style={{
        borderRight: `1px solid ${token.colorBorderSecondary}`,
        position: "sticky",
        top: 0,
        height: "100vh",
        overflow: "auto",
      }}
    >
      <Link
        to="/"
        style={{
          height: 52,
          display: "flex",
          alignItems: "center",
          gap: 10,
          paddingLeft: 20,
          color: token.colorText,
        }}
      >
        <img src="/icon.svg" alt="" width={26} height={26} />
        <strong style={{ fontSize: 15 }}>{t("app.name")}</strong>
      </Link>
      <nav aria-label={t("app.menu")}>
        <Menu
          mode="inline"
          selectedKeys={current ? [current.path] : []}
          openKeys={menu.map(({ group }) => group).filter((group) => !closed.includes(group))}
          onOpenChange={(open) =>
            setClosed(menu.map(({ group }) => group as string).filter((each) => !open.includes(each)))
          }
          style={{ borderInlineEnd: 0 }}
          items={items}
        />
      </nav>
    </Layout.Sider>
  );
}

function BottomBar({ entries }: { entries: PageEntry[] }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const current = useCurrent();
  const shown = entries
    .filter(({ phone }) => phone !== undefined)
    .sort((one, other) => (one.phone ?? 0) - (other.phone ?? 0));
  return (
    <nav
      aria-label={t("app.menu")}
      style={{
        position: "fixed",
        insetInline: 0,
        bottom: 0,
        zIndex: 10,
        display: "flex",
        background: token.colorBgContainer,
        borderTop: `1px solid ${token.colorBorderSecondary}`,
        paddingBottom: "env(safe-area-inset-bottom)",
      }}
    >
      {shown.map((entry) => (
        <BottomLink key={entry.path} entry={entry} active={entry === current} />
      ))}
    </nav>
  );
}

function BottomLink({ entry, active }: { entry: PageEntry; active: boolean }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const waiting = useWaiting();
  const icon = (
    <span style={{ fontSize: 20, lineHeight: 1, color: active ? token.colorLink : token.colorTextSecondary }}>
      {entry.menu?.icon}
    </span>
  );
  return (
    <Link
      to={entry.path}
      aria-current={active ? "page" : undefined}
      style={{
        flex: 1,
        height: BAR_HEIGHT,
        display: "grid",
        placeContent: "center",
        justifyItems: "center",
        gap: 2,
        fontSize: 12,
        color: active ? token.colorLink : token.colorTextSecondary,
        fontWeight: active ? 600 : 400,
      }}
    >
      {entry.path === "/inbox" ? (
        <Badge
          count={waiting.open}
          size="small"
          offset={[8, 2]}
          title={t("app.waiting", { count: waiting.open })}
          style={{ color: "#fff" }}
        >
          {icon}
        </Badge>
      ) : (
        icon
      )}
      <span>{t(`phone.${entry.phone}`)}</span>
    </Link>
  );
}
