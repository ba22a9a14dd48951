import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Flex, Form, Input, QRCode, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import { Door } from "./Door";
import type { Step } from "./signIn";

interface Props {
  step: Step;
  ticket: string;
  goIn: () => void;
  restart: () => void;
}

/** The code of the authenticator; who needs one and has none sets it up first. */
export function SecondFactor({ step, ticket, goIn, restart }: Props) {
  const { t } = useTranslation();
  const [codes, setCodes] = useState<string[]>([]);
  const enrolling = step.second_factor === "needed";
  const check = useMutation({
    mutationFn: ({ code }: { code: string }) =>
      post<Step>(enrolling ? "/api/v1/auth/second-factor:confirm" : "/api/v1/auth/second-factor", {
        body: { ticket, code: code.trim() },
      }),
    onSuccess: (answer) => (answer.recovery_codes ? setCodes(answer.recovery_codes) : goIn()),
  });
  if (codes.length > 0) return <RecoveryCodes codes={codes} done={goIn} />;
  return (
    <Door title={t(enrolling ? "sign-in.enrolTitle" : "sign-in.codeTitle")}>
      {enrolling && <Secret ticket={ticket} />}
      <Form layout="vertical" requiredMark={false} onFinish={check.mutate} size="large">
        {check.error && (
          <Alert
            type="error"
            showIcon
            title={told(check.error, t("page.failed"))}
            style={{ marginBottom: 16 }}
          />
        )}
        <Form.Item
          name="code"
          label={t("sign-in.code")}
          extra={t("sign-in.codeHint")}
          rules={[{ required: true, message: t("sign-in.needed") }]}
        >
          <Input autoFocus={!enrolling} autoComplete="one-time-code" inputMode="text" />
        </Form.Item>
        <Button type="primary" htmlType="submit" block loading={check.isPending}>
          {t("sign-in.verify")}
        </Button>
        <Button type="link" block onClick={restart} style={{ marginTop: 8 }}>
          {t("sign-in.back")}
        </Button>
      </Form>
    </Door>
  );
}

function Secret({ ticket }: { ticket: string }) {
  const { t } = useTranslation();
  const begun = useQuery({
    queryKey: ["second-factor", ticket],
    queryFn: () =>
      post<{ secret: string; otpauth_uri: string }>("/api/v1/auth/second-factor:enrol", { body: { ticket } }),
    // Each time makes another secret, and the first may be in the app already.
    staleTime: Number.POSITIVE_INFINITY,
    refetchOnWindowFocus: false,
  });
  if (begun.error) return <Alert type="error" showIcon title={told(begun.error, t("page.failed"))} />;
  if (begun.data === undefined) return null;
  return (
    <Flex vertical align="center" gap={8} style={{ marginBottom: 16 }}>
      <Typography.Text>{t("sign-in.enrolHint")}</Typography.Text>
      <QRCode value={begun.data.otpauth_uri} bgColor="#ffffff" color="#000000" />
      <Typography.Text code copyable>
        {begun.data.secret}
      </Typography.Text>
    </Flex>
  );
}

function RecoveryCodes({ codes, done }: { codes: string[]; done: () => void }) {
  const { t } = useTranslation();
  return (
    <Door title={t("sign-in.recoveryTitle")}>
      <Typography.Paragraph>{t("sign-in.recovery")}</Typography.Paragraph>
      <Typography.Paragraph copyable={{ text: codes.join("\n") }} code style={{ whiteSpace: "pre-line" }}>
        {codes.join("\n")}
      </Typography.Paragraph>
      <Button type="primary" block size="large" onClick={done}>
        {t("sign-in.saved")}
      </Button>
    </Door>
  );
}
