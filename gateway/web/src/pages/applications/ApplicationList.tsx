import { PlusOutlined } from "@ant-design/icons";
import { Button, Flex, Segmented } from "antd";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { useMay, useMe } from "../../api/me";
import { Amount } from "../../shared/Amount";
import { QUIET } from "../../shared/icons";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { StateTag } from "../../shared/Tags";
import { useFilters } from "../../shared/useFilters";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";
import { termWord } from "../../shared/words";
import type { Application } from "../customers/Documents";

const FILTERS = ["status", "mine"] as const;
const STATES = ["", "draft", "in_approval", "returned", "effective", "rejected"];

/** Applications for credit that the person sees, with where each stands. */
export default function ApplicationList() {
  const { t } = useTranslation();
  const go = useNavigate();
  const { instant } = useFormats();
  const me = useMe();
  const mayCreate = useMay("applications.create");
  const [filters, change] = useFilters(FILTERS);
  const listed = useListing<Application>("/api/v1/applications", {
    status: filters.status,
    initiator: filters.mine ? me.data?.user.username : undefined,
  });
  return (
    <Page
      title={t("applications.title")}
      permission="applications.read"
      actions={
        mayCreate && (
          <Button type="primary" icon={<PlusOutlined {...QUIET} />} onClick={() => go("/applications/new")}>
            {t("applications.new")}
          </Button>
        )
      }
    >
      <Flex gap={8} wrap style={{ marginBottom: 12, overflow: "auto" }}>
        <Segmented
          value={filters.status ?? ""}
          onChange={(status) => change({ status })}
          options={STATES.map((value) => ({
            value,
            label: value === "" ? t("applications.all") : t(`state.application.${value}`),
          }))}
        />
        <Segmented
          value={filters.mine ?? ""}
          onChange={(mine) => change({ mine })}
          options={[
            { value: "", label: t("applications.everybody") },
            { value: "1", label: t("applications.mine") },
          ]}
        />
      </Flex>
      <Listing
        listed={listed}
        rowKey="id"
        width={1000}
        to={({ id }) => `/applications/${id}`}
        empty={t("applications.none")}
        columns={[
          {
            key: "number",
            title: t("customers.application.number"),
            width: 150,
            render: (_, one) => <Link to={`/applications/${one.id}`}>{one.number}</Link>,
          },
          { key: "customer", title: t("customers.one"), width: 240, dataIndex: "customer_name" },
          {
            key: "status",
            title: t("customers.column.state"),
            width: 100,
            render: (_, { status }) => <StateTag kind="application" state={status} />,
          },
          { key: "currency", title: t("customers.currency"), width: 70, dataIndex: "currency" },
          {
            key: "amount",
            title: t("customers.application.amount"),
            width: 140,
            align: "right",
            render: (_, { amount }) => <Amount value={amount} />,
          },
          {
            key: "approved",
            title: t("applications.approved"),
            width: 140,
            align: "right",
            render: (_, { approved }) => <Amount value={approved?.amount} />,
          },
          {
            key: "term",
            title: t("customers.column.term"),
            width: 110,
            render: (_, one) => termWord(t, one.term_days),
          },
          {
            key: "initiator",
            title: t("applications.initiator"),
            width: 100,
            render: (_, { initiator }) => <Person username={initiator} />,
          },
          {
            key: "created_at",
            title: t("customers.application.at"),
            width: 150,
            render: (_, { created_at }) => instant(created_at),
          },
        ]}
        card={(one) => (
          <Flex vertical gap={4}>
            <strong>{one.customer_name}</strong>
            <Flex gap={8} wrap align="center">
              <StateTag kind="application" state={one.status} />
              <Amount value={one.amount} currency={one.currency} strong />
              <span>{termWord(t, one.term_days)}</span>
              <small>{one.number}</small>
            </Flex>
          </Flex>
        )}
      />
    </Page>
  );
}
