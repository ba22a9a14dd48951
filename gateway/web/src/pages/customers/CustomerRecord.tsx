import { EditOutlined, FileAddOutlined, LockOutlined, UnlockOutlined } from "@ant-design/icons";
import { Button, Card, Flex, Grid, Select, Space, Tabs, Typography } from "antd";
import { lazy, type ReactNode, Suspense, useState } from "react";
import { useTranslation } from "react-i18next";
import { useNavigate, useParams, useSearchParams } from "react-router";
import { type Account, type Customer, useAccount, useCustomer } from "../../api/customers";
import { useMay } from "../../api/me";
import { ExposureBar } from "../../shared/ExposureBar";
import { amount, percent } from "../../shared/formats";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { Grade, StateTag } from "../../shared/Tags";
import { termWord } from "../../shared/words";
import { Applications, Invoices, Orders } from "./Documents";
import { FreezeForm } from "./FreezeForm";
import { History } from "./History";

const Profile = lazy(() => import("./Profile"));
const Credit = lazy(() => import("./Credit"));
const Details = lazy(() => import("./Details"));
const Attachments = lazy(() => import("./Attachments"));

/** A customer with its key figures above, and everything else behind tabs: the 360° view. */
export default function CustomerRecord() {
  const { t } = useTranslation();
  const { id } = useParams();
  const go = useNavigate();
  const [place, setPlace] = useSearchParams();
  const wide = Grid.useBreakpoint().md;
  const customer = useCustomer(id);
  const mayCredit = useMay("credit.read");
  const account = useAccount(mayCredit ? customer.data?.id : undefined);
  const [asked, setAsked] = useState<"freeze" | "unfreeze" | null>(null);
  const mayReports = useMay("reports.read");
  const mayOrders = useMay("orders.read");
  const mayInvoices = useMay("invoices.read");
  const mayApplications = useMay("applications.read");
  const mayUpdate = useMay("customers.update");
  const mayApply = useMay("applications.create");
  const mayFreeze = useMay("credit.freeze");
  const mayUnfreeze = useMay("credit.unfreeze");
  const data = customer.data;
  const frozen = account.data?.frozen ?? false;
  const tabs = data
    ? [
        ...(mayReports ? [{ key: "profile", children: <Profile id={data.id} /> }] : []),
        ...(mayCredit ? [{ key: "credit", children: <Credit id={data.id} /> }] : []),
        ...(mayOrders ? [{ key: "orders", children: <Orders id={data.id} /> }] : []),
        ...(mayInvoices ? [{ key: "invoices", children: <Invoices id={data.id} /> }] : []),
        ...(mayApplications ? [{ key: "applications", children: <Applications id={data.id} /> }] : []),
        { key: "details", children: <Details customer={data} /> },
        { key: "attachments", children: <Attachments id={data.id} /> },
        { key: "history", children: <History id={data.id} /> },
      ]
    : [];
  const show = (tab: string) => setPlace({ tab }, { replace: true });
  const late = (children: ReactNode) => <Suspense fallback={<div aria-busy="true" />}>{children}</Suspense>;
  const current = place.get("tab") ?? tabs[0]?.key ?? "details";
  return (
    <Page
      title={data?.name ?? t("customers.one")}
      permission="customers.read"
      loading={customer.isPending}
      problem={customer.error}
      retry={customer.refetch}
      actions={
        data && (
          <Space wrap>
            {mayApply && (
              <Button
                type="primary"
                icon={<FileAddOutlined {...QUIET} />}
                onClick={() => go(`/applications/new?customer=${data.id}`)}
              >
                {t("customers.apply")}
              </Button>
            )}
            {mayUpdate && (
              <Button icon={<EditOutlined {...QUIET} />} onClick={() => go(`/customers/${data.id}/edit`)}>
                {t("customers.edit")}
              </Button>
            )}
            {mayFreeze && !frozen && account.data && (
              <Button danger icon={<LockOutlined {...QUIET} />} onClick={() => setAsked("freeze")}>
                {t("customers.freeze")}
              </Button>
            )}
            {mayUnfreeze && frozen && (
              <Button icon={<UnlockOutlined {...QUIET} />} onClick={() => setAsked("unfreeze")}>
                {t("customers.unfreeze")}
              </Button>
            )}
          </Space>
        )
      }
    >
      {data && (
        <Flex vertical gap={12}>
          <Head customer={data} account={account.data} />
          {wide ? (
            <Tabs
              activeKey={current}
              onChange={show}
              destroyOnHidden
              items={tabs.map(({ key, children }) => ({
                key,
                label: t(`customers.tab.${key}`),
                children: late(children),
              }))}
            />
          ) : (
            <>
              <Select
                size="large"
                aria-label={t("customers.tabs")}
                value={current}
                onChange={show}
                options={tabs.map(({ key }) => ({ value: key, label: t(`customers.tab.${key}`) }))}
              />
              {late(tabs.find(({ key }) => key === current)?.children)}
            </>
          )}
          {asked && <FreezeForm id={data.id} action={asked} close={() => setAsked(null)} />}
        </Flex>
      )}
    </Page>
  );
}

function Head({ customer, account }: { customer: Customer; account: Account | undefined }) {
  const { t } = useTranslation();
  return (
    <Card size="small">
      <Flex gap="4px 20px" wrap align="center" style={{ marginBottom: 8 }}>
        <Typography.Text type="secondary">{customer.code}</Typography.Text>
        <Grade grade={customer.grade} />
        <StateTag kind="credit" state={account?.state ?? customer.credit_status} />
        <span>{termWord(t, account?.payment_term_days ?? customer.payment_term_days)}</span>
        {customer.region && <span>{customer.region}</span>}
        <span>
          {t("customers.salesperson")} <Person username={customer.salesperson} />
        </span>
        {account && account.overdue.max_days > 0 && (
          <Typography.Text type="danger">
            {t("inbox.overdueIs", { amount: amount(account.overdue.amount), days: account.overdue.max_days })}
          </Typography.Text>
        )}
        {account?.utilisation && (
          <span>{t("customers.utilisation", { share: percent(account.utilisation) })}</span>
        )}
      </Flex>
      {account && (
        <ExposureBar
          limit={account.limit}
          unlimited={account.unlimited}
          exposure={account.exposure}
          available={account.available}
          overdue={account.overdue.amount}
          currency={account.currency}
        />
      )}
      {account?.freezes.map((freeze) => (
        <Typography.Text type="danger" key={`${freeze.source}${freeze.reason}`} style={{ display: "block" }}>
          <LockOutlined {...QUIET} /> {freeze.reason}
        </Typography.Text>
      ))}
    </Card>
  );
}
