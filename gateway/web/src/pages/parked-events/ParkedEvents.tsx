import { useQuery } from "@tanstack/react-query";
import { Alert, Card, Empty, Flex, Tag, Typography, theme } from "antd";
import type { TFunction } from "i18next";
import { useTranslation } from "react-i18next";
import { get } from "../../api/client";
import { useMay } from "../../api/me";
import { Page } from "../../shared/Page";
import { useFilters } from "../../shared/useFilters";
import { useFormats } from "../../shared/useFormats";
import { EventEditor } from "./EventEditor";
import { PARKED, type Parked } from "./parked";

interface Answer {
  items: Parked[];
  /** Why a service did not answer, by its name. */
  away: Record<string, string>;
}

const FILTERS = ["event"] as const;

/** What a service could not apply and set aside: repaired, applied again, or given up. */
export default function ParkedEvents() {
  const { t } = useTranslation();
  const may = useMay("admin.parked");
  const found = useQuery({
    queryKey: PARKED,
    queryFn: () => get<Answer>("/api/v1/admin/parked-events"),
    enabled: may,
  });
  return (
    <Page
      title={t("parked-events.title")}
      permission="admin.parked"
      loading={found.isPending}
      problem={found.error}
      retry={found.refetch}
    >
      {found.data && <Events answer={found.data} />}
    </Page>
  );
}

function Events({ answer: { items, away } }: { answer: Answer }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { instant } = useFormats();
  const [filters, change] = useFilters(FILTERS);
  const nameOf = (parked: Parked) => `${parked.service}-${parked.identity}`;
  return (
    <Flex vertical gap={12}>
      {Object.entries(away).map(([service, why]) => (
        <Alert
          key={service}
          type="warning"
          showIcon
          title={t("parked-events.away", { service: t(`system.service.${service}`), why })}
        />
      ))}
      {items.length === 0 && <Empty description={t("parked-events.none")} style={{ padding: 48 }} />}
      {items.length > 0 && <Typography.Text type="secondary">{t("parked-events.hint")}</Typography.Text>}
      {items.map((parked) => {
        const open = filters.event === nameOf(parked);
        return (
          <Card key={nameOf(parked)} size="small" styles={{ body: { padding: 0 } }}>
            <button
              type="button"
              aria-expanded={open}
              onClick={() => change({ event: open ? undefined : nameOf(parked) })}
              style={{
                all: "unset",
                display: "block",
                cursor: "pointer",
                width: "100%",
                boxSizing: "border-box",
                padding: 12,
              }}
            >
              <Flex gap={8} align="center" wrap>
                <Tag color="warning" variant="filled">
                  {t(`system.service.${parked.service}`)}
                </Tag>
                <strong>{eventName(parked, t)}</strong>
                <span style={{ flex: 1 }} />
                <span style={{ color: token.colorTextSecondary }}>
                  {t("parked-events.tried", { count: parked.attempts, at: instant(parked.parked_at) })}
                </span>
              </Flex>
              <div style={{ color: token.colorError, marginTop: 4, overflowWrap: "anywhere" }}>
                {parked.problem}
              </div>
              <div style={{ color: token.colorTextSecondary, fontSize: 12, overflowWrap: "anywhere" }}>
                {t("parked-events.from", { source: sourceWord(parked.source, t), key: parked.ordering_key })}
              </div>
            </button>
            {open && <EventEditor parked={parked} />}
          </Card>
        );
      })}
    </Flex>
  );
}

function eventName({ event }: Parked, t: TFunction): string {
  const type = typeof event.type === "string" ? event.type : "—";
  return t(`parked-events.event.${type.replaceAll(".", "-")}`, { defaultValue: type });
}

function sourceWord(source: string, t: TFunction): string {
  return t(`system.service.${source}`, { defaultValue: source });
}
