import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Flex, Form, Input, Progress, Spin, Typography } from "antd";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { get, newKey, post } from "../../api/client";
import { told } from "../../api/problem";
import { Page } from "../../shared/Page";
import { useFormSubmit } from "../../shared/useFormSubmit";

interface Sample {
  state: "none" | "making" | "made" | "failed" | "removing";
  done: number;
  whole: number;
  problem: string | null;
  can_make: boolean;
  can_remove: boolean;
  people: string[];
}

const KEY = ["sample-data"];
const AGAIN_MS = 1_500;
const PASSWORD_LENGTH = 14;

/** The sample company: made by one click, followed while it is made, removed by one click. */
export function SampleData() {
  const { t } = useTranslation();
  const known = useQueryClient();
  const found = useQuery({
    queryKey: KEY,
    queryFn: () => get<Sample>("/api/v1/admin/sample-data"),
    // While everything starts anew nobody answers: what was last told is shown until somebody does.
    refetchInterval: ({ state: { data } }) =>
      data?.state === "making" || data?.state === "removing" ? AGAIN_MS : false,
  });
  const state = found.data?.state;
  const before = useRef(state);
  useEffect(() => {
    const changed = before.current !== undefined && before.current !== state;
    before.current = state;
    if (changed) known.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] !== KEY[0] });
  }, [state, known]);
  const [password, setPassword] = useState<string | null>(null);
  if (found.data === undefined) return <Page title="" loading problem={found.error} retry={found.refetch} />;
  return (
    <Card size="small" title={t("setup.sample.title")}>
      <Body sample={found.data} password={password} begun={setPassword} />
    </Card>
  );
}

interface BodyProps {
  sample: Sample;
  password: string | null;
  begun: (password: string) => void;
}

function Body({ sample, password, begun }: BodyProps) {
  const { t } = useTranslation();
  if (sample.state === "none") return <Offer sample={sample} begun={begun} />;
  if (sample.state === "removing") {
    return (
      <Flex gap={12} align="center" role="status">
        <Spin /> {t("setup.sample.removing")}
      </Flex>
    );
  }
  const share = sample.whole === 0 ? 0 : Math.floor((sample.done / sample.whole) * 100);
  return (
    <Flex vertical gap={12}>
      {sample.state === "making" && (
        <div role="status">
          {t("setup.sample.making")}
          <Progress percent={share} aria-label={t("setup.sample.making")} />
        </div>
      )}
      {sample.state === "failed" && (
        <Alert type="error" showIcon title={t("setup.sample.failed")} description={sample.problem} />
      )}
      {sample.state === "made" && <Alert type="success" showIcon title={t("setup.sample.made")} />}
      {sample.state !== "failed" && (
        <div>
          {t("setup.sample.people", { names: sample.people.join("、") })}
          {password !== null && (
            <div>
              {t("setup.sample.passwordIs")}{" "}
              <Typography.Text strong copyable>
                {password}
              </Typography.Text>
            </div>
          )}
        </div>
      )}
      {sample.state !== "making" && <Removal sample={sample} />}
    </Flex>
  );
}

function Offer({ sample, begun }: { sample: Sample; begun: (password: string) => void }) {
  const { t } = useTranslation();
  const known = useQueryClient();
  const [form] = Form.useForm();
  const [proposed] = useState(() => `Sample-${newKey().slice(0, PASSWORD_LENGTH - 7)}`);
  const making = useFormSubmit(
    form,
    (body) => post<Sample>("/api/v1/admin/sample-data:make", { body }),
    (begunSample) => {
      begun(String(form.getFieldValue("password")));
      known.setQueryData(KEY, begunSample);
    },
  );
  if (!sample.can_make)
    return <Typography.Text type="secondary">{t("setup.sample.elsewhere")}</Typography.Text>;
  return (
    <Form form={form} layout="vertical" onFinish={making.submit} initialValues={{ password: proposed }}>
      <Typography.Paragraph>{t("setup.sample.offer")}</Typography.Paragraph>
      {making.problem && <Alert type="error" showIcon title={making.problem} style={{ marginBottom: 12 }} />}
      <Form.Item
        name="password"
        label={t("setup.sample.password")}
        extra={t("setup.sample.passwordHint")}
        rules={[{ required: true, message: t("sign-in.needed") }]}
      >
        <Input autoComplete="off" style={{ maxWidth: 320 }} />
      </Form.Item>
      <Button htmlType="submit" loading={making.pending}>
        {t("setup.sample.make")}
      </Button>
    </Form>
  );
}

function Removal({ sample }: { sample: Sample }) {
  const { t } = useTranslation();
  const { modal } = App.useApp();
  const known = useQueryClient();
  const removing = useMutation({
    mutationFn: () => post<Sample>("/api/v1/admin/sample-data:remove"),
    onSuccess: (answer) => known.setQueryData(KEY, answer),
  });
  if (!sample.can_remove)
    return <Typography.Text type="secondary">{t("setup.sample.offline")}</Typography.Text>;
  return (
    <Flex vertical gap={8} align="start">
      {removing.error && (
        <Alert
          type="error"
          showIcon
          title={told(removing.error, t("page.failed"))}
          style={{ width: "100%" }}
        />
      )}
      <Button
        danger
        loading={removing.isPending}
        onClick={() =>
          modal.confirm({
            title: t("setup.sample.removeTitle"),
            content: t("setup.sample.removeFollows"),
            okText: t("setup.sample.remove"),
            okButtonProps: { danger: true },
            onOk: () => removing.mutate(),
          })
        }
      >
        {t("setup.sample.remove")}
      </Button>
    </Flex>
  );
}
