import { DownloadOutlined, SearchOutlined } from "@ant-design/icons";
import { Button, DatePicker, Flex, Grid, Input, Select, Typography } from "antd";
import type { TFunction } from "i18next";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { useMe } from "../../api/me";
import { QUIET } from "../../shared/icons";
import { Listing } from "../../shared/Listing";
import { Page } from "../../shared/Page";
import { PersonSelect } from "../../shared/People";
import { useFilters } from "../../shared/useFilters";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";
import { Actor } from "./Actor";
import { LineDetail } from "./LineDetail";
import "./words";
import { actionWord, days, instants, type Line, subjectText, told, written } from "./lines";

const FILTERS = ["actor", "action", "source", "text", "from", "to"] as const;
const SOURCES = ["gateway", "customer", "application", "workflow", "limits", "risk_rules", "reporting"];
/** What is looked for most; a trailing `.*` means all of its kind. */
const ACTIONS = [
  "sign_in",
  "sign_in.failed",
  "user.*",
  "role.*",
  "department.*",
  "customer_created",
  "customer_updated",
  "application_submitted",
  "task_closed",
  "credit_granted",
  "customer_frozen",
  "customer_unfrozen",
  "rule_published",
  "form_published",
  "audit.export",
  "customer.export",
  "report.export",
];

/** Who did what, when and from where. */
export default function Audit() {
  const { t } = useTranslation();
  return (
    <Page title={t("audit.title")} permission="admin.audit">
      <Trail />
    </Page>
  );
}

function Trail() {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const wide = Grid.useBreakpoint().md;
  const zone = useMe().data?.timezone ?? "Asia/Shanghai";
  const [filters, change] = useFilters(FILTERS);
  const [open, setOpen] = useState<Line | null>(null);
  const { actor, action, source, text, from, to } = filters;
  const asked = { actor, action, source, text, ...instants(from, to, zone) };
  const listed = useListing<Line>("/api/v1/admin/audit", asked);
  const query = new URLSearchParams(
    Object.entries(asked).filter((pair): pair is [string, string] => Boolean(pair[1])),
  );
  return (
    <>
      <Flex gap={8} wrap style={{ marginBottom: 12 }}>
        <Input
          allowClear
          prefix={<SearchOutlined {...QUIET} />}
          placeholder={t("audit.search")}
          aria-label={t("audit.search")}
          defaultValue={text}
          onPressEnter={({ currentTarget }) => change({ text: currentTarget.value.trim() })}
          onChange={({ target }) => target.value === "" && change({ text: undefined })}
          style={{ width: 230 }}
        />
        <div style={{ width: 190 }}>
          <PersonSelect
            label={t("audit.actor")}
            {...(actor ? { value: actor } : {})}
            onChange={(next) => change({ actor: next as string | undefined })}
          />
        </div>
        <Select
          allowClear
          showSearch={{ optionFilterProp: "label" }}
          aria-label={t("audit.actionHead")}
          placeholder={t("audit.anyAction")}
          value={action}
          onChange={(next) => change({ action: next })}
          options={ACTIONS.map((each) => ({ value: each, label: actionWord(t, each.replace(".*", ".all")) }))}
          style={{ width: 170 }}
        />
        <Select
          allowClear
          aria-label={t("audit.source")}
          placeholder={t("audit.anySource")}
          value={source}
          onChange={(next) => change({ source: next })}
          options={SOURCES.map((each) => ({ value: each, label: t(`system.service.${each}`) }))}
          style={{ width: 130 }}
        />
        <DatePicker.RangePicker
          aria-label={t("audit.days")}
          value={days(from, to)}
          onChange={(chosen) => change({ from: written(chosen?.[0]), to: written(chosen?.[1]) })}
          style={{ width: wide ? 250 : "100%" }}
        />
        <Button
          icon={<DownloadOutlined {...QUIET} />}
          href={`/api/v1/admin/audit:export?${query}`}
          download="audit.csv"
        >
          {t("audit.export")}
        </Button>
      </Flex>
      <Listing<Line>
        listed={listed}
        rowKey="place"
        width={1040}
        empty={t(query.size > 0 ? "audit.noneFound" : "audit.none")}
        columns={[
          { title: t("audit.at"), dataIndex: "at", width: 150, render: instant },
          {
            title: t("audit.actor"),
            dataIndex: "actor",
            width: 150,
            render: (name: string) => <Actor name={name} />,
          },
          {
            title: t("audit.actionHead"),
            dataIndex: "action",
            width: 170,
            render: (name: string) => actionWord(t, name),
          },
          {
            title: t("audit.subject"),
            key: "subject",
            width: 220,
            ellipsis: true,
            render: (_, line) => subjectText(line),
          },
          {
            title: t("audit.source"),
            dataIndex: "source",
            width: 110,
            render: (name: string) => t(`system.service.${name}`),
          },
          {
            title: t("audit.address"),
            dataIndex: "address",
            width: 120,
            render: (value: string) => value || "—",
          },
          {
            title: t("audit.changes"),
            width: 120,
            render: (_, line) => (
              <Button type="link" size="small" style={{ padding: 0 }} onClick={() => setOpen(line)}>
                {counted(line, t)}
              </Button>
            ),
          },
        ]}
        card={(line) => (
          <Flex vertical gap={2}>
            <Flex gap={8}>
              <strong style={{ flex: 1 }}>{actionWord(t, line.action)}</strong>
              <Typography.Text type="secondary">{instant(line.at)}</Typography.Text>
            </Flex>
            <Typography.Text type="secondary" style={{ overflowWrap: "anywhere" }}>
              <Actor name={line.actor} /> · {subjectText(line)}
            </Typography.Text>
            <div>
              <Button type="link" size="small" style={{ padding: 0 }} onClick={() => setOpen(line)}>
                {counted(line, t)}
              </Button>
            </div>
          </Flex>
        )}
      />
      {open && <LineDetail line={open} close={() => setOpen(null)} />}
    </>
  );
}

function counted({ changes }: Line, t: TFunction): string {
  const count = told(changes).length;
  return count > 0 ? t("audit.count", { count }) : t("audit.details");
}
