import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Form, Input, Result } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useParams } from "react-router";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import { Door } from "./Door";

export default function ResetPassword() {
  const { t } = useTranslation();
  const { token } = useParams();
  const reset = useMutation({
    mutationFn: ({ password }: { password: string }) =>
      post("/api/v1/auth/password:reset", { body: { token, password } }),
  });
  return (
    <Door title={t("sign-in.reset")}>
      {reset.isSuccess ? (
        <Result
          status="success"
          title={t("sign-in.resetDone")}
          extra={<Link to="/sign-in">{t("sign-in.back")}</Link>}
          style={{ padding: 0 }}
        />
      ) : (
        <Form layout="vertical" requiredMark={false} onFinish={reset.mutate} size="large">
          {reset.error && (
            <Alert
              type="error"
              showIcon
              title={told(reset.error, t("page.failed"))}
              style={{ marginBottom: 16 }}
            />
          )}
          <Form.Item
            name="password"
            label={t("sign-in.newPassword")}
            rules={[{ required: true, message: t("sign-in.needed") }]}
          >
            <Input.Password autoFocus autoComplete="new-password" />
          </Form.Item>
          <Button type="primary" htmlType="submit" block loading={reset.isPending}>
            {t("sign-in.reset")}
          </Button>
        </Form>
      )}
    </Door>
  );
}
