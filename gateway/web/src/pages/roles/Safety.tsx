import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Flex, Form, InputNumber, Select, Switch } from "antd";
import { useTranslation } from "react-i18next";
import { get, patch } from "../../api/client";
import { told } from "../../api/problem";
import { Page } from "../../shared/Page";
import { useRoles } from "./useRoles";

type Duties = Record<"approve_own_application" | "publish_own_draft", boolean>;
interface Settings {
  password_length_min: number;
  second_factor_roles: string[];
  version: number;
}

/** What signing in asks for, and which duties are kept apart. */
export function Safety() {
  return (
    <Flex vertical gap={16} style={{ maxWidth: 640 }}>
      <SigningIn />
      <KeptApart />
    </Flex>
  );
}

function SigningIn() {
  const { t } = useTranslation();
  const found = useQuery({
    queryKey: ["sign-in-settings"],
    queryFn: () => get<Settings>("/api/v1/admin/sign-in-settings"),
  });
  if (found.data === undefined) return <Page title="" loading problem={found.error} retry={found.refetch} />;
  return (
    <Card size="small" title={t("roles.signingIn")}>
      <SettingsForm key={found.data.version} settings={found.data} />
    </Card>
  );
}

function SettingsForm({ settings }: { settings: Settings }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const known = useQueryClient();
  const roles = useRoles();
  const save = useMutation({
    mutationFn: (values: object) =>
      patch("/api/v1/admin/sign-in-settings", { body: { ...values, version: settings.version } }),
    onSuccess: async () => {
      await known.invalidateQueries({ queryKey: ["sign-in-settings"] });
      message.success(t("roles.saved"));
    },
  });
  return (
    <Form layout="vertical" initialValues={settings} onFinish={save.mutate}>
      {save.error && (
        <Alert
          type="error"
          showIcon
          title={told(save.error, t("page.failed"))}
          style={{ marginBottom: 12 }}
        />
      )}
      <Form.Item name="password_length_min" label={t("roles.passwordLength")}>
        <InputNumber min={8} max={128} precision={0} />
      </Form.Item>
      <Form.Item
        name="second_factor_roles"
        label={t("roles.secondFactor")}
        extra={t("roles.secondFactorHint")}
      >
        <Select
          mode="multiple"
          placeholder={t("roles.nobody")}
          options={roles.data?.map(({ key, label }) => ({ value: key, label })) ?? []}
        />
      </Form.Item>
      <Button htmlType="submit" loading={save.isPending}>
        {t("roles.save")}
      </Button>
    </Form>
  );
}

function KeptApart() {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const known = useQueryClient();
  const found = useQuery({ queryKey: ["duties"], queryFn: () => get<Duties>("/api/v1/admin/duties") });
  const save = useMutation({
    mutationFn: (body: Partial<Duties>) => patch<Duties>("/api/v1/admin/duties", { body }),
    onSuccess: (duties) => known.setQueryData(["duties"], duties),
    onError: (problem) => message.error(told(problem, t("page.failed"))),
  });
  if (found.data === undefined) return <Page title="" loading problem={found.error} retry={found.refetch} />;
  const duties = found.data;
  return (
    <Card size="small" title={t("roles.keptApart")}>
      <Flex vertical gap={12}>
        {(Object.keys(duties) as (keyof Duties)[]).map((duty) => (
          <Flex key={duty} gap={12} align="center">
            <Switch
              checked={duties[duty]}
              loading={save.isPending}
              aria-label={t(`roles.duty.${duty}`)}
              onChange={(allowed) => save.mutate({ [duty]: allowed })}
            />
            <span>{t(`roles.duty.${duty}`)}</span>
          </Flex>
        ))}
      </Flex>
    </Card>
  );
}
