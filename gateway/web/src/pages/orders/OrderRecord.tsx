import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { App, Button, Card, Col, Flex, Input, Row, Space, Statistic } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useParams } from "react-router";
import { get, post } from "../../api/client";
import { useMay } from "../../api/me";
import { told } from "../../api/problem";
import { CustomerLink } from "../../shared/CustomerLink";
import { amount } from "../../shared/formats";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { StateTag } from "../../shared/Tags";
import type { Order } from "../customers/Documents";
import { DecisionView } from "./DecisionView";
import type { Decision } from "./decision";

interface Found {
  order: Order;
  decision: Decision | null;
}

type Deed = "release" | "cancel";

/** An order: where its amount stands, and the decision on it in plain words. */
export default function OrderRecord() {
  const { t } = useTranslation();
  const { number = "" } = useParams();
  const known = useQueryClient();
  const { modal, message } = App.useApp();
  const mayRelease = useMay("orders.release");
  const mayChange = useMay("orders.change");
  const found = useQuery({
    queryKey: ["order", number],
    queryFn: () => get<Found>("/api/v1/orders/{order_no}", { path: { order_no: number } }),
  });
  const [reason, setReason] = useState("");
  const act = useMutation({
    mutationFn: (action: Deed) =>
      post(`/api/v1/orders/{order_no}:${action}`, {
        path: { order_no: number },
        body: reason ? { reason } : {},
      }),
    onSuccess: () => message.success(t("inbox.done")),
    onError: (problem) => message.error(told(problem, t("page.failed"))),
    onSettled: () =>
      Promise.all(
        [["order"], ["list"], ["account"]].map((queryKey) => known.invalidateQueries({ queryKey })),
      ),
  });
  const order = found.data?.order;
  const ask = (action: Deed) =>
    modal.confirm({
      title: t(`orders.${action}`),
      content: (
        <Flex vertical gap={8}>
          {t(`orders.follows.${action}`)}
          <Input.TextArea
            aria-label={t("customers.reason")}
            placeholder={t("customers.reason")}
            onChange={({ target }) => setReason(target.value)}
          />
        </Flex>
      ),
      okButtonProps: { danger: action === "cancel" },
      onOk: () => act.mutateAsync(action),
    });
  return (
    <Page
      title={t("orders.one", { number })}
      permission="orders.read"
      loading={found.isPending}
      problem={found.error}
      retry={found.refetch}
      actions={
        order && (
          <Space wrap>
            {mayRelease && order.status === "held" && (
              <Button type="primary" onClick={() => ask("release")}>
                {t("orders.release")}
              </Button>
            )}
            {mayChange && (order.status === "held" || order.status === "reserved") && (
              <Button danger onClick={() => ask("cancel")}>
                {t("orders.cancel")}
              </Button>
            )}
          </Space>
        )
      }
    >
      {order && (
        <Flex vertical gap={12}>
          <Card size="small">
            <Flex gap={16} wrap align="center" style={{ marginBottom: 12 }}>
              <CustomerLink id={order.customer_id} />
              <StateTag kind="order" state={order.status} />
              <span>{order.order_date}</span>
              <Person username={order.salesperson} />
            </Flex>
            <Row gutter={[16, 8]}>
              {(["amount", "reserved", "delivered", "invoiced"] as const).map((stage) => (
                <Col key={stage} xs={12} md={6}>
                  <Statistic
                    title={t(`orders.stage.${stage}`, { currency: order.currency })}
                    value={amount(order[stage])}
                  />
                </Col>
              ))}
            </Row>
          </Card>
          {found.data?.decision && (
            <Card size="small" title={t("orders.decision")}>
              <DecisionView decision={found.data.decision} />
            </Card>
          )}
        </Flex>
      )}
    </Page>
  );
}
