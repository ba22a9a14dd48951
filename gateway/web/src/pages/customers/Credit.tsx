import { Card, DatePicker, Flex, Slider, Tag, Typography } from "antd";
import dayjs from "dayjs";
import Decimal from "decimal.js";
import { useDeferredValue, useState } from "react";
import { useTranslation } from "react-i18next";
import { useAccount } from "../../api/customers";
import { Amount } from "../../shared/Amount";
import { DataTable } from "../../shared/DataTable";
import { ExposureBar } from "../../shared/ExposureBar";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";
import { termWord } from "../../shared/words";

interface Grant {
  id: string;
  kind: string;
  change: string;
  unlimited: boolean;
  currency: string;
  amount: string | null;
  valid_from: string;
  valid_to: string | null;
  term_days: number | null;
  reason: string | null;
  replaced_on: string | null;
  granted_by: string;
  granted_at: string;
}

interface Guarantee {
  id: string;
  kind: string;
  amount: string;
  currency: string;
  accepted_percent?: string;
  valid_from: string;
  valid_to: string | null;
}

interface Entry {
  identity: number;
  action: string;
  document_no: string | null;
  reserved: string;
  delivered: string;
  receivable: string;
  effective_date: string;
  actor: string;
}

const DAYS_BACK = 365;

/** A credit account: as it stood on any day, its limits, its guarantees, its entries. */
export default function Credit({ id }: { id: string }) {
  const { t } = useTranslation();
  return (
    <Flex vertical gap={16}>
      <AnyDay id={id} />
      <Grants id={id} />
      <Guarantees id={id} />
      <Card size="small" title={t("customers.credit.entries")}>
        <Entries id={id} />
      </Card>
    </Flex>
  );
}

/** The account as it stood on the day that the slider points at. */
function AnyDay({ id }: { id: string }) {
  const { t } = useTranslation();
  const today = useAccount(id).data?.business_date;
  const [back, setBack] = useState(0);
  const settled = useDeferredValue(back);
  const day = today && settled > 0 ? dayjs(today).subtract(settled, "day").format("YYYY-MM-DD") : undefined;
  const account = useAccount(id, day);
  if (account.error) return <Page title="" problem={account.error} retry={account.refetch} />;
  const data = account.data;
  return (
    <Card
      size="small"
      title={t("customers.credit.onDay")}
      extra={
        <DatePicker
          size="small"
          allowClear={false}
          aria-label={t("customers.credit.day")}
          value={today ? dayjs(day ?? today) : null}
          maxDate={dayjs(today)}
          onChange={(chosen) => chosen && setBack(dayjs(today).diff(chosen, "day"))}
        />
      }
    >
      <Slider
        min={-DAYS_BACK}
        max={0}
        value={Math.max(-DAYS_BACK, -back)}
        onChange={(value) => setBack(-value)}
        tooltip={{
          formatter: (value) =>
            dayjs(today)
              .add(value ?? 0, "day")
              .format("YYYY-MM-DD"),
        }}
        ariaLabelForHandle={t("customers.credit.day")}
      />
      {data && (
        <ExposureBar
          limit={data.limit}
          unlimited={data.unlimited}
          exposure={data.exposure}
          available={data.available}
          overdue={data.overdue.amount}
          currency={data.currency}
        />
      )}
      {data && data.pools.length > 1 && (
        <DataTable
          style={{ marginTop: 12 }}
          rowKey={(pool) => `${pool.kind}/${pool.key}/${pool.segment}`}
          dataSource={data.pools}
          columns={[
            {
              title: t("customers.credit.pool"),
              render: (_, pool) =>
                `${t(`customers.pool.${pool.kind}`, { defaultValue: pool.kind })} ${pool.segment ?? ""}`,
            },
            { title: t("customers.currency"), dataIndex: "currency", width: 80 },
            {
              title: t("exposure.limit"),
              align: "right",
              render: (_, pool) => <Amount value={pool.limit} />,
            },
            {
              title: t("exposure.used"),
              align: "right",
              render: (_, pool) => <Amount value={pool.exposure.total} />,
            },
            {
              title: t("exposure.available"),
              align: "right",
              render: (_, pool) => <Amount value={pool.available} />,
            },
          ]}
        />
      )}
    </Card>
  );
}

function Grants({ id }: { id: string }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const listed = useListing<Grant>(
    "/api/v1/credit-accounts/{customer_id}/grants",
    {},
    { customer_id: id },
    { paged: false },
  );
  if (listed.error) return <Page title="" problem={listed.error} retry={listed.refetch} />;
  return (
    <Card size="small" title={t("customers.credit.grants")}>
      <DataTable
        rowKey="id"
        loading={listed.isPending}
        dataSource={listed.data ?? []}
        scroll={{ x: 760 }}
        locale={{ emptyText: t("customers.empty.grants") }}
        columns={[
          {
            title: t("customers.credit.kind"),
            render: (_, one) => (
              <>
                {t(`customers.grant.${one.kind}`, { defaultValue: one.kind })}{" "}
                {one.replaced_on && <Tag>{t("customers.credit.replaced", { date: one.replaced_on })}</Tag>}
              </>
            ),
          },
          {
            title: t("exposure.limit"),
            align: "right",
            render: (_, one) =>
              one.unlimited ? t("exposure.unlimited") : <Amount value={one.amount} currency={one.currency} />,
          },
          {
            title: t("customers.credit.valid"),
            render: (_, one) => `${one.valid_from} ~ ${one.valid_to ?? t("customers.credit.noEnd")}`,
          },
          { title: t("customers.column.term"), render: (_, one) => termWord(t, one.term_days) },
          { title: t("customers.reason"), dataIndex: "reason" },
          {
            title: t("customers.credit.by"),
            render: (_, one) => (
              <>
                <Person username={one.granted_by} />{" "}
                <Typography.Text type="secondary">{instant(one.granted_at)}</Typography.Text>
              </>
            ),
          },
        ]}
      />
    </Card>
  );
}

function Guarantees({ id }: { id: string }) {
  const { t } = useTranslation();
  const listed = useListing<Guarantee>(
    "/api/v1/credit-accounts/{customer_id}/guarantees",
    {},
    { customer_id: id },
    { paged: false },
  );
  if (listed.error) return <Page title="" problem={listed.error} retry={listed.refetch} />;
  if (!listed.data?.length) return null;
  return (
    <Card size="small" title={t("customers.credit.guarantees")}>
      <DataTable
        rowKey="id"
        dataSource={listed.data}
        columns={[
          {
            title: t("customers.credit.kind"),
            render: (_, one) => t(`customers.guarantee.${one.kind}`, { defaultValue: one.kind }),
          },
          {
            title: t("customers.credit.value"),
            align: "right",
            render: (_, one) => <Amount value={one.amount} currency={one.currency} />,
          },
          {
            title: t("customers.credit.valid"),
            render: (_, one) => `${one.valid_from} ~ ${one.valid_to ?? t("customers.credit.noEnd")}`,
          },
        ]}
      />
    </Card>
  );
}

function Entries({ id }: { id: string }) {
  const { t } = useTranslation();
  const listed = useListing<Entry>("/api/v1/credit-accounts/{customer_id}/entries", {}, { customer_id: id });
  const word = (one: Entry) => t(`customers.entry.${one.action}`, { defaultValue: one.action });
  const signed = (value: string) =>
    new Decimal(value).isZero() ? "" : <Amount value={new Decimal(value).toFixed(2)} />;
  return (
    <Listing
      listed={listed}
      rowKey="identity"
      width={860}
      empty={t("customers.empty.entries")}
      columns={[
        { key: "date", title: t("customers.credit.date"), width: 110, dataIndex: "effective_date" },
        { key: "action", title: t("customers.credit.what"), width: 120, render: (_, one) => word(one) },
        { key: "document", title: t("customers.credit.document"), width: 180, dataIndex: "document_no" },
        {
          key: "reserved",
          title: t("exposure.reserved"),
          width: 130,
          align: "right",
          render: (_, one) => signed(one.reserved),
        },
        {
          key: "delivered",
          title: t("exposure.delivered"),
          width: 130,
          align: "right",
          render: (_, one) => signed(one.delivered),
        },
        {
          key: "receivable",
          title: t("exposure.receivable"),
          width: 130,
          align: "right",
          render: (_, one) => signed(one.receivable),
        },
        {
          key: "actor",
          title: t("customers.credit.by"),
          width: 110,
          render: (_, one) => <Person username={one.actor} />,
        },
      ]}
      card={(one) => (
        <Flex gap={8} wrap>
          <strong>{word(one)}</strong>
          <span>{one.document_no}</span>
          <span>{one.effective_date}</span>
        </Flex>
      )}
    />
  );
}
