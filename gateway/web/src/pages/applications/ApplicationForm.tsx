import { useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Card, Col, DatePicker, Flex, Form, Input, InputNumber, Row, Space } from "antd";
import dayjs, { type Dayjs } from "dayjs";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { post, put } from "../../api/client";
import { useAccount, useCustomer } from "../../api/customers";
import { useMe } from "../../api/me";
import { CustomerSelect } from "../../shared/CustomerLink";
import { ExposureBar } from "../../shared/ExposureBar";
import { MoneyInput } from "../../shared/MoneyInput";
import { Page } from "../../shared/Page";
import { Grade, StateTag } from "../../shared/Tags";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { useUnsaved } from "../../shared/useUnsaved";
import type { Application } from "../customers/Documents";
import { useApplication } from "./useApplication";

const DEFAULT_TERM_DAYS = 30;
const TERMS = [0, 15, 30, 45, 60, 90];

/** Asking for a limit: filled in from the customer as far as it is known, kept as a draft or handed in. */
export default function ApplicationForm() {
  const { t } = useTranslation();
  const { id } = useParams();
  const application = useApplication(id);
  return (
    <Page
      title={id ? t("applications.edit", { number: application.data?.number ?? "" }) : t("applications.new")}
      permission="applications.create"
      loading={id !== undefined && application.isPending}
      problem={application.error}
      retry={application.refetch}
    >
      <Fill application={application.data} />
    </Page>
  );
}

function Fill({ application }: { application: Application | undefined }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const go = useNavigate();
  const known = useQueryClient();
  const me = useMe();
  const [place] = useSearchParams();
  const [form] = Form.useForm();
  const unsaved = useUnsaved();
  const submits = useRef(true);
  const customerId = Form.useWatch<string | undefined>("customer_id", form);
  const send = useFormSubmit(
    form,
    async (values) => {
      const body = bodyOf(values, me.data?.currency ?? "CNY");
      const path = { application_id: application?.id ?? "" };
      const saved = application
        ? await put<Application>("/api/v1/applications/{application_id}", {
            path,
            body: { ...body, version: application.version },
          })
        : await post<Application>("/api/v1/applications", { body: { type: "credit", ...body } });
      if (!submits.current) return saved;
      return post<Application>("/api/v1/applications/{application_id}:submit", {
        path: { application_id: saved.id },
      });
    },
    (saved) => {
      unsaved.clear();
      for (const key of ["applications", "list", "tasks"]) known.invalidateQueries({ queryKey: [key] });
      message.success(t(submits.current ? "applications.submitted" : "applications.kept"));
      go(`/applications/${saved.id}`, { replace: true });
    },
  );
  const customer = useCustomer(customerId).data;
  // What the customer has now is where most people begin.
  useEffect(() => {
    if (customer === undefined || application !== undefined) return;
    const given = form.getFieldsValue();
    form.setFieldsValue({
      amount: given.amount ?? customer.credit_limit ?? undefined,
      term_days: given.term_days ?? customer.payment_term_days ?? DEFAULT_TERM_DAYS,
    });
  }, [customer, application, form]);
  const needed = [{ required: true, message: t("sign-in.needed") }];
  const initial = application
    ? {
        ...application,
        valid: [
          application.valid_from ? dayjs(application.valid_from) : null,
          application.valid_to ? dayjs(application.valid_to) : null,
        ],
      }
    : { customer_id: place.get("customer") ?? undefined };
  const submit = (withSubmit: boolean) => {
    submits.current = withSubmit;
    form.submit();
  };
  return (
    <Form
      form={form}
      layout="vertical"
      onFinish={send.submit}
      onValuesChange={unsaved.mark}
      initialValues={initial}
      style={{ maxWidth: 760 }}
    >
      <Flex vertical gap={16}>
        {send.problem && <Alert type="error" showIcon title={send.problem} />}
        <Card size="small">
          <Form.Item name="customer_id" label={t("customers.one")} rules={needed}>
            <CustomerSelect />
          </Form.Item>
          {customer && <Standing id={customer.id} grade={customer.grade} />}
        </Card>
        <Card size="small">
          <Row gutter={16}>
            <Col xs={24} md={12}>
              <Form.Item
                name="amount"
                label={t("applications.amount", { currency: application?.currency ?? me.data?.currency })}
                rules={needed}
              >
                <MoneyInput size="large" />
              </Form.Item>
            </Col>
            <Col xs={24} md={12}>
              <Form.Item name="term_days" label={t("inbox.termDays")} rules={needed}>
                <InputNumber min={0} max={3650} precision={0} size="large" style={{ width: "100%" }} />
              </Form.Item>
              <Space wrap style={{ marginTop: -16, marginBottom: 16 }}>
                {TERMS.map((days) => (
                  <Button key={days} size="small" onClick={() => form.setFieldsValue({ term_days: days })}>
                    {days === 0 ? t("applications.cash") : t("inbox.days", { days })}
                  </Button>
                ))}
              </Space>
            </Col>
            <Col span={24}>
              <Form.Item name="valid" label={t("applications.valid")}>
                <DatePicker.RangePicker allowEmpty={[true, true]} style={{ width: "100%" }} />
              </Form.Item>
            </Col>
            <Col span={24}>
              <Form.Item name="reason" label={t("applications.reason")} rules={needed}>
                <Input.TextArea
                  autoSize={{ minRows: 3, maxRows: 8 }}
                  maxLength={2000}
                  placeholder={t("applications.reasonHint")}
                />
              </Form.Item>
            </Col>
          </Row>
        </Card>
        <Space wrap>
          <Button type="primary" size="large" loading={send.pending} onClick={() => submit(true)}>
            {t("applications.submit")}
          </Button>
          <Button size="large" loading={send.pending} onClick={() => submit(false)}>
            {t("applications.draft")}
          </Button>
        </Space>
      </Flex>
    </Form>
  );
}

function Standing({ id, grade }: { id: string; grade: string | null }) {
  const account = useAccount(id).data;
  if (!account) return null;
  return (
    <>
      <Space style={{ marginBottom: 4 }}>
        <Grade grade={grade} />
        <StateTag kind="credit" state={account.state} />
      </Space>
      <ExposureBar
        limit={account.limit}
        unlimited={account.unlimited}
        exposure={account.exposure}
        available={account.available}
        overdue={account.overdue.amount}
        currency={account.currency}
      />
    </>
  );
}

function bodyOf(values: Record<string, unknown>, currency: string) {
  const [from, to] = (values.valid as (Dayjs | null)[] | undefined) ?? [];
  return {
    customer_id: values.customer_id,
    amount: values.amount,
    currency,
    term_days: values.term_days,
    reason: values.reason,
    ...(from ? { valid_from: from.format("YYYY-MM-DD") } : {}),
    ...(to ? { valid_to: to.format("YYYY-MM-DD") } : {}),
  };
}
