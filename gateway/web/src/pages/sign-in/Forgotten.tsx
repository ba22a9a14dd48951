import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input, Result } from "antd";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import { Door } from "./Door";

export default function Forgotten() {
  const { t } = useTranslation();
  const ask = useMutation({ mutationFn: (body: object) => post("/api/v1/auth/password:forgot", { body }) });
  const back = <Link to="/sign-in">{t("sign-in.back")}</Link>;
  return (
    <Door title={t("sign-in.forgot")}>
      {ask.isSuccess ? (
        <Result status="success" title={t("sign-in.sent")} extra={back} style={{ padding: 0 }} />
      ) : (
        <Form layout="vertical" requiredMark={false} onFinish={ask.mutate} size="large">
          {ask.error && (
            <Alert
              type="error"
              showIcon
              title={told(ask.error, t("page.failed"))}
              style={{ marginBottom: 16 }}
            />
          )}
          <Form.Item
            name="username"
            label={t("sign-in.usernameOrMail")}
            extra={t("sign-in.forgotHint")}
            rules={[{ required: true, message: t("sign-in.needed") }]}
          >
            <Input autoFocus autoComplete="username" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={ask.isPending} style={{ marginBottom: 12 }}>
            {t("sign-in.send")}
          </Button>
          {back}
        </Form>
      )}
    </Door>
  );
}
