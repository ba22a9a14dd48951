import { LockOutlined, UserOutlined } from "@ant-design/icons";
import { useMutation, useQuery } from "@tanstack/react-query";
import { Alert, Button, Divider, Flex, Form, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useSearchParams } from "react-router";
import { get, post } from "../../api/client";
import { told } from "../../api/problem";
import { QUIET } from "../../shared/icons";
import { Door } from "./Door";
import { SecondFactor } from "./SecondFactor";
import { type Step, useGoIn } from "./signIn";

export default function SignIn() {
  const { t } = useTranslation();
  const [place] = useSearchParams();
  const [step, setStep] = useState<Step>({});
  const goIn = useGoIn();
  const back = place.get("return_to");
  const next = (answer: Step) => (answer.csrf_token ? goIn(back) : setStep(answer));
  if (step.ticket) {
    return (
      <SecondFactor step={step} ticket={step.ticket} goIn={() => goIn(back)} restart={() => setStep({})} />
    );
  }
  return (
    <Door title={t("sign-in.title")}>
      {place.get("problem") && (
        <Alert type="warning" showIcon title={t("sign-in.problem")} style={{ marginBottom: 16 }} />
      )}
      <Password next={next} />
      <Elsewhere back={back} />
    </Door>
  );
}

function Password({ next }: { next: (answer: Step) => void }) {
  const { t } = useTranslation();
  const sign = useMutation({
    mutationFn: (body: object) => post<Step>("/api/v1/auth/login", { body }),
    onSuccess: next,
  });
  const needed = [{ required: true, message: t("sign-in.needed") }];
  return (
    <Form
      layout="vertical"
      requiredMark={false}
      onFinish={sign.mutate}
      disabled={sign.isPending}
      size="large"
    >
      {sign.error && (
        <Alert
          type="error"
          showIcon
          title={told(sign.error, t("page.failed"))}
          style={{ marginBottom: 16 }}
        />
      )}
      <Form.Item name="username" label={t("sign-in.username")} rules={needed}>
        <Input autoFocus autoComplete="username" prefix={<UserOutlined {...QUIET} />} />
      </Form.Item>
      <Form.Item name="password" label={t("sign-in.password")} rules={needed}>
        <Input.Password autoComplete="current-password" prefix={<LockOutlined {...QUIET} />} />
      </Form.Item>
      <Button type="primary" htmlType="submit" block loading={sign.isPending}>
        {t("sign-in.submit")}
      </Button>
      <Flex justify="end" style={{ marginTop: 12 }}>
        <Link to="/forgotten">{t("sign-in.forgot")}</Link>
      </Flex>
    </Form>
  );
}

/** The company's own sign-in services, where there are any. */
function Elsewhere({ back }: { back: string | null }) {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["providers"],
    queryFn: () => get<{ items: { key: string; label: string }[] }>("/api/v1/auth/providers"),
  });
  const items = found.data?.items ?? [];
  if (items.length === 0) return null;
  return (
    <>
      <Divider plain>{t("sign-in.or")}</Divider>
      <Flex vertical gap={8}>
        {items.map(({ key, label }) => (
          <Button
            key={key}
            block
            size="large"
            href={`/api/v1/auth/sso/${encodeURIComponent(key)}?return_to=${encodeURIComponent(back ?? "/")}`}
          >
            {t("sign-in.with", { name: label })}
          </Button>
        ))}
      </Flex>
    </>
  );
}
