import { GlobalOutlined } from "@ant-design/icons";
import { Button, Card, theme } from "antd";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";
import { QUIET } from "../../shared/icons";
import { switchLanguage } from "../../texts";

/** What stands around everything that is asked before somebody is signed in. */
export function Door({ title, children }: { title: string; children: ReactNode }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  return (
    <main
      style={{
        minHeight: "100%",
        display: "grid",
        placeItems: "center",
        padding: 16,
        background: `linear-gradient(160deg, ${token.colorPrimaryBg} 0%, ${token.colorBgLayout} 60%)`,
      }}
    >
      <div style={{ width: "min(400px, 100%)" }}>
        <div style={{ display: "flex", alignItems: "center", gap: 12, marginBottom: 20 }}>
          <img src="/icon.svg" alt="" width={40} height={40} />
          <div style={{ flex: 1 }}>
            <strong style={{ fontSize: 18 }}>{t("app.name")}</strong>
            <div style={{ color: token.colorTextSecondary }}>{t("sign-in.motto")}</div>
          </div>
          <Button type="text" icon={<GlobalOutlined {...QUIET} />} onClick={switchLanguage}>
            {t("app.language")}
          </Button>
        </div>
        <Card>
          <h1 style={{ fontSize: 18, margin: "0 0 16px" }}>{title}</h1>
          {children}
        </Card>
      </div>
    </main>
  );
}
