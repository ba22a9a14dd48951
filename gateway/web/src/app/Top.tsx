import { GlobalOutlined, LogoutOutlined, MoonOutlined, SunOutlined, UserOutlined } from "@ant-design/icons";
import { Button, Dropdown, Layout, theme } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { type Me, useSignOut } from "../api/me";
import { QUIET } from "../shared/icons";
import { switchLanguage } from "../texts";
import { switchLook, useLook } from "./look";
import { Notifications } from "./Notifications";
import { Search } from "./Search";

/** The bar above every page: search, what happened, language, light and dark, and oneself. */
export function Top({ me, wide }: { me: Me | undefined; wide: boolean }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const signOut = useSignOut();
  const go = useNavigate();
  const look = useLook();
  const items = [
    { key: "me", icon: <UserOutlined {...QUIET} />, label: t("app.me"), onClick: () => go("/me") },
    {
      key: "language",
      icon: <GlobalOutlined {...QUIET} />,
      label: t("app.language"),
      onClick: switchLanguage,
    },
    {
      key: "look",
      icon: look === "dark" ? <SunOutlined {...QUIET} /> : <MoonOutlined {...QUIET} />,
      label: t(look === "dark" ? "app.light" : "app.dark"),
      onClick: switchLook,
    },
    { type: "divider" as const },
    { key: "out", icon: <LogoutOutlined {...QUIET} />, label: t("app.signOut"), onClick: signOut },
  ];
  return (
    <Layout.Header
      style={{
        display: "flex",
        alignItems: "center",
        gap: 8,
        borderBottom: `1px solid ${token.colorBorderSecondary}`,
        position: "sticky",
        top: 0,
        zIndex: 9,
        lineHeight: 1.5,
        padding: wide ? undefined : "0 12px",
      }}
    >
      {!wide && (
        <Link to="/" style={{ display: "flex", gap: 8, alignItems: "center", color: token.colorText }}>
          <img src="/icon.svg" alt="" width={24} height={24} />
          <strong>{t("app.name")}</strong>
        </Link>
      )}
      <Search wide={wide} />
      <span style={{ flex: 1 }} />
      <Notifications />
      <Dropdown menu={{ items }} trigger={["click"]}>
        <Button
          type="text"
          icon={<UserOutlined {...QUIET} />}
          aria-label={t("app.account", { name: me?.user.name ?? "" })}
        >
          {wide ? me?.user.name : null}
        </Button>
      </Dropdown>
    </Layout.Header>
  );
}
