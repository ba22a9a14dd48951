import { Alert, Col, DatePicker, Form, Input, InputNumber, Modal, Row } from "antd";
import type { Dayjs } from "dayjs";
import { useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import type { TaskInFull } from "../../api/tasks";
import { MoneyInput } from "../../shared/MoneyInput";
import { useFormSubmit } from "../../shared/useFormSubmit";
import { useTasksChanged } from "./changed";
import { SignaturePad, type SignatureRef } from "./SignaturePad";

interface Props {
  task: TaskInFull;
  close: () => void;
  done: () => void;
}

interface Values {
  approved?: { amount?: string; term_days?: number; valid_to?: Dayjs | null };
  opinion?: string;
}

/** Approving: as asked, or another amount and term where the node allows it. */
export function ApproveForm({ task, close, done }: Props) {
  const { t } = useTranslation();
  const [form] = Form.useForm<Values>();
  const signature = useRef<SignatureRef>(null);
  const [unsigned, setUnsigned] = useState(false);
  const changed = useTasksChanged();
  const { summary } = task;
  const asked = { ...summary, ...withoutNulls(summary.approved ?? {}) };
  const grants = task.kind === "approval" && summary.amount !== null;
  const approve = useFormSubmit(
    form,
    (values) => {
      const body = { ...bodyOf(values as Values, asked.currency), ...signed() };
      return post("/api/v1/tasks/{task_id}:approve", { path: { task_id: task.id }, body });
    },
    () => changed(done),
  );
  function signed() {
    const drawn = task.signature ? signature.current?.read() : null;
    return drawn ? { signature: drawn } : {};
  }
  const submit = (values: Values) => {
    if (task.signature === "required" && !signature.current?.read()) setUnsigned(true);
    else approve.submit(values as Record<string, unknown>);
  };
  return (
    <Modal
      open
      title={t("inbox.approveTitle", { customer: summary.customer ?? task.title })}
      okText={t("inbox.approve")}
      okButtonProps={{ loading: approve.pending, size: "large" }}
      cancelButtonProps={{ size: "large" }}
      onOk={form.submit}
      onCancel={close}
    >
      {approve.problem && (
        <Alert type="error" showIcon title={approve.problem} style={{ marginBottom: 12 }} />
      )}
      <Form
        form={form}
        layout="vertical"
        onFinish={submit}
        initialValues={{ approved: { amount: asked.amount, term_days: asked.term_days } }}
      >
        {grants && (
          <Row gutter={12}>
            <Col span={14}>
              <Form.Item
                name={["approved", "amount"]}
                label={t("inbox.approvedAmount")}
                rules={[{ required: true, message: t("sign-in.needed") }]}
              >
                <MoneyInput prefix={asked.currency} size="large" />
              </Form.Item>
            </Col>
            <Col span={10}>
              <Form.Item name={["approved", "term_days"]} label={t("inbox.termDays")}>
                <InputNumber min={0} max={3650} precision={0} style={{ width: "100%" }} size="large" />
              </Form.Item>
            </Col>
            <Col span={24}>
              <Form.Item name={["approved", "valid_to"]} label={t("inbox.validTo")}>
                <DatePicker style={{ width: "100%" }} placeholder={t("inbox.noEnd")} />
              </Form.Item>
            </Col>
          </Row>
        )}
        <Form.Item name="opinion" label={t("inbox.opinion")}>
          <Input.TextArea autoSize={{ minRows: 2, maxRows: 6 }} maxLength={2000} />
        </Form.Item>
        {task.signature !== null && task.signature !== undefined && task.signature !== "none" && (
          <Form.Item
            label={t("inbox.signature")}
            validateStatus={unsigned ? "error" : ""}
            help={unsigned ? t("inbox.signatureNeeded") : t("inbox.signatureHint")}
          >
            <SignaturePad ref={signature} />
          </Form.Item>
        )}
      </Form>
    </Modal>
  );
}

function withoutNulls<Shape extends object>(given: Shape): Partial<Shape> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null)) as Partial<Shape>;
}

function bodyOf(values: Values, currency: string | null) {
  const { amount, term_days, valid_to } = values.approved ?? {};
  const granted = {
    ...(amount ? { amount, currency } : {}),
    ...(term_days !== undefined && term_days !== null ? { term_days } : {}),
    ...(valid_to ? { valid_to: valid_to.format("YYYY-MM-DD") } : {}),
  };
  return {
    ...(values.opinion ? { opinion: values.opinion } : {}),
    ...(Object.keys(granted).length > 0 ? { approved: granted } : {}),
  };
}
