import { useMutation } from "@tanstack/react-query";
import { Alert, Button, Card, Col, Form, Row } from "antd";
import { useTranslation } from "react-i18next";
import { post } from "../../api/client";
import { useMe } from "../../api/me";
import { told } from "../../api/problem";
import { CustomerSelect } from "../../shared/CustomerLink";
import { MoneyInput } from "../../shared/MoneyInput";
import { Page } from "../../shared/Page";
import { DecisionView } from "./DecisionView";
import type { Decision } from "./decision";

/** Would an order pass? Tried without any effect, and explained. */
export default function OrderCheck() {
  const { t } = useTranslation();
  const currency = useMe().data?.currency ?? "CNY";
  const check = useMutation({
    mutationFn: (values: object) =>
      post<{ status: string; decision: Decision }>("/api/v1/orders:check", { body: { ...values, currency } }),
  });
  const needed = [{ required: true, message: t("sign-in.needed") }];
  return (
    <Page title={t("orders.checkTitle")} permission="orders.check">
      <Row gutter={[16, 16]}>
        <Col xs={24} lg={9}>
          <Card size="small">
            <Form layout="vertical" onFinish={check.mutate}>
              <Form.Item name="customer_id" label={t("customers.one")} rules={needed}>
                <CustomerSelect />
              </Form.Item>
              <Form.Item name="amount" label={`${t("customers.order.amount")}（${currency}）`} rules={needed}>
                <MoneyInput size="large" />
              </Form.Item>
              <Button type="primary" htmlType="submit" size="large" block loading={check.isPending}>
                {t("orders.check")}
              </Button>
            </Form>
          </Card>
        </Col>
        <Col xs={24} lg={15}>
          <Card size="small" title={t("orders.decision")}>
            {check.error && <Alert type="error" showIcon title={told(check.error, t("page.failed"))} />}
            {check.data ? (
              <DecisionView decision={check.data.decision} />
            ) : (
              !check.error && t("orders.checkHint")
            )}
          </Card>
        </Col>
      </Row>
    </Page>
  );
}
