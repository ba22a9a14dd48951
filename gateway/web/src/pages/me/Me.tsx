import { GlobalOutlined, LogoutOutlined, MoonOutlined, SunOutlined } from "@ant-design/icons";
import { Alert, App, Button, Card, Descriptions, Flex, Form, Grid, Input, Tag } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { post } from "../../api/client";
import { useMe, useSignOut } from "../../api/me";
import { switchLook, useLook } from "../../app/look";
import { menuOf } from "../../app/pages";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { roleName } from "../../shared/words";
import { switchLanguage } from "../../texts";

export default function MePage() {
  const { t } = useTranslation();
  const me = useMe();
  const look = useLook();
  const wide = Grid.useBreakpoint().md;
  const signOut = useSignOut();
  return (
    <Page title={t("me.title")} loading={me.isPending} problem={me.error} retry={me.refetch}>
      <Flex vertical gap={16} style={{ maxWidth: 560 }}>
        <Card size="small">
          <Descriptions column={1} size="small">
            <Descriptions.Item label={t("me.name")}>{me.data?.user.name}</Descriptions.Item>
            <Descriptions.Item label={t("me.username")}>{me.data?.user.username}</Descriptions.Item>
            <Descriptions.Item label={t("me.roles")}>
              {me.data?.roles.map((role) => (
                <Tag key={role}>{roleName(t, role)}</Tag>
              ))}
            </Descriptions.Item>
          </Descriptions>
          <Flex gap={8} wrap style={{ marginTop: 12 }}>
            <Button icon={<GlobalOutlined {...QUIET} />} onClick={switchLanguage}>
              {t("app.language")}
            </Button>
            <Button
              icon={look === "dark" ? <SunOutlined {...QUIET} /> : <MoonOutlined {...QUIET} />}
              onClick={switchLook}
            >
              {t(look === "dark" ? "app.light" : "app.dark")}
            </Button>
            <Button icon={<LogoutOutlined {...QUIET} />} onClick={signOut}>
              {t("app.signOut")}
            </Button>
          </Flex>
        </Card>
        {!wide && <Elsewhere permissions={me.data?.permissions ?? []} />}
        <Card size="small" title={t("me.changePassword")}>
          <ChangePassword />
        </Card>
      </Flex>
    </Page>
  );
}

/** On a phone: the pages that have no place in the bar below. */
function Elsewhere({ permissions }: { permissions: string[] }) {
  const { t } = useTranslation();
  const entries = menuOf(permissions)
    .flatMap((group) => group.entries)
    .filter(({ phone }) => phone === undefined);
  return (
    <Card size="small" title={t("me.elsewhere")}>
      <Flex gap={8} wrap>
        {entries.map(({ path, menu }) => (
          <Link key={path} to={path}>
            <Button icon={menu?.icon} size="large" tabIndex={-1}>
              {t(menu?.text ?? "")}
            </Button>
          </Link>
        ))}
      </Flex>
    </Card>
  );
}

function ChangePassword() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const [form] = Form.useForm();
  const change = useFormSubmit(
    form,
    (body) => post("/api/v1/me/password", { body }),
    () => {
      form.resetFields();
      message.success(t("me.passwordChanged"));
    },
  );
  const needed = [{ required: true, message: t("sign-in.needed") }];
  return (
    <Form form={form} layout="vertical" requiredMark={false} onFinish={change.submit}>
      {change.problem && <Alert type="error" showIcon title={change.problem} style={{ marginBottom: 12 }} />}
      <Form.Item name="password" label={t("me.oldPassword")} rules={needed}>
        <Input.Password autoComplete="current-password" />
      </Form.Item>
      <Form.Item name="new_password" label={t("sign-in.newPassword")} rules={needed}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Button htmlType="submit" loading={change.pending}>
        {t("me.changePassword")}
      </Button>
    </Form>
  );
}
