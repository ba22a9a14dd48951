import { Alert, App, Button, Drawer, Flex, Form, Grid, Skeleton, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { patch, post, remove } from "../../api/client";
import { told } from "../../api/problem";
import { Page } from "../../shared/Page";
import { useFormats } from "../../shared/useFormats";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { LeaveForm } from "./LeaveForm";
import { NewPassword } from "./NewPassword";
import { Sessions } from "./Sessions";
import { emptied, UserFields } from "./UserFields";
import { type User, useUser, useUsersChanged } from "./users";

const WIDTH_PX = 560;

/** A user: what is known of them, and everything that is done about their way in. */
export function UserRecord({ username, close }: { username: string; close: () => void }) {
  const wide = Grid.useBreakpoint().md;
  const found = useUser(username);
  return (
    <Drawer
      open
      onClose={close}
      mask={false}
      size={wide ? WIDTH_PX : "100%"}
      title={found.data ? `${found.data.name}（${found.data.username}）` : username}
    >
      {found.error && <Page title="" problem={found.error} retry={found.refetch} />}
      {found.isPending && <Skeleton active />}
      {found.data && <Record key={found.data.version} user={found.data} />}
    </Drawer>
  );
}

function Record({ user }: { user: User }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const { instant } = useFormats();
  const [form] = Form.useForm();
  const changed = useUsersChanged();
  const saving = useFormSubmit(
    form,
    (values) =>
      patch<User>("/api/v1/users/{key}", {
        path: { key: user.username },
        body: { ...emptied(values), version: user.version },
      }),
    async () => {
      await changed();
      message.success(t("users.saved"));
    },
  );
  return (
    <Flex vertical gap={20}>
      {!user.active && <Alert type="warning" showIcon title={t("users.isDisabled")} />}
      {user.leave && (
        <Alert
          type="info"
          showIcon
          title={t("users.leaveIs", { from: user.leave.from, until: user.leave.until })}
        />
      )}
      {saving.problem && <Alert type="error" showIcon title={saving.problem} />}
      <Form form={form} layout="vertical" onFinish={saving.submit} initialValues={user}>
        <UserFields />
        <Flex gap={8} align="center" wrap>
          <Button type="primary" htmlType="submit" loading={saving.pending}>
            {t("users.save")}
          </Button>
          {user.created_at && (
            <Typography.Text type="secondary">
              {t("users.madeAt", { at: instant(user.created_at) })}
            </Typography.Text>
          )}
        </Flex>
      </Form>
      <WayIn user={user} />
      <Sessions username={user.username} />
    </Flex>
  );
}

/** Password, second factor, leave, and whether they may sign in at all. */
function WayIn({ user }: { user: User }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const changed = useUsersChanged();
  const [open, setOpen] = useState<"password" | "leave" | null>(null);
  const path = { key: user.username };
  const asked = (what: "disable" | "enable" | "factor", act: () => Promise<unknown>) =>
    modal.confirm({
      title: t(`users.${what}.title`, { name: user.name }),
      content: t(`users.${what}.follows`),
      okText: t(`users.${what}.do`),
      okButtonProps: { danger: what !== "enable" },
      onOk: async () => {
        try {
          await act();
          await changed();
          message.success(t(`users.${what}.done`));
        } catch (problem) {
          message.error(told(problem, t("page.failed")));
        }
      },
    });
  const setActive = (active: boolean) => () =>
    patch("/api/v1/users/{key}", { path, body: { active, version: user.version } });
  return (
    <section aria-label={t("users.wayIn")}>
      <h2 style={{ fontSize: 15, margin: "0 0 8px" }}>{t("users.wayIn")}</h2>
      <Flex gap={8} wrap>
        <Button onClick={() => setOpen("password")}>{t("users.resetPassword")}</Button>
        <Button
          onClick={() => asked("factor", () => remove("/api/v1/admin/users/{key}/second-factor", { path }))}
        >
          {t("users.factor.button")}
        </Button>
        <Button onClick={() => setOpen("leave")}>{t("users.leave")}</Button>
        {user.leave && (
          <Button
            onClick={async () => {
              await remove("/api/v1/users/{key}/leave", { path });
              await changed();
            }}
          >
            {t("users.isBack")}
          </Button>
        )}
        {user.active ? (
          <Button danger onClick={() => asked("disable", setActive(false))}>
            {t("users.disable.do")}
          </Button>
        ) : (
          <Button onClick={() => asked("enable", setActive(true))}>{t("users.enable.do")}</Button>
        )}
        <Button
          onClick={async () => {
            await post("/api/v1/auth/password:forgot", { body: { username: user.username } });
            message.success(t("users.mailSent"));
          }}
          disabled={!user.email}
          title={user.email ? "" : t("users.noMail")}
        >
          {t("users.mailPassword")}
        </Button>
      </Flex>
      {open === "password" && <NewPassword user={user} close={() => setOpen(null)} />}
      {open === "leave" && <LeaveForm user={user} close={() => setOpen(null)} />}
    </section>
  );
}
