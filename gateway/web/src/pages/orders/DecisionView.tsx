import { CheckCircleFilled, CloseCircleFilled, ExclamationCircleFilled } from "@ant-design/icons";
import { Alert, Flex, Typography, theme } from "antd";
import { useTranslation } from "react-i18next";
import { ExposureBar } from "../../shared/ExposureBar";
import { amount } from "../../shared/formats";
import { QUIET } from "../../shared/icons";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";
import type { Decision } from "./decision";

const KINDS = { reserved: "success", held: "warning", refused: "error" } as const;

/** A decision in plain words: what came of it, why, and what would let it pass. */
export function DecisionView({ decision }: { decision: Decision }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { instant } = useFormats();
  const { reasons, inputs, currency } = decision;
  const kind = KINDS[decision.result as keyof typeof KINDS] ?? "info";
  const way = wayOut(decision);
  const icon = (strength: string) => {
    if (strength === "block") return <CloseCircleFilled {...QUIET} style={{ color: token.colorError }} />;
    if (strength === "warn")
      return <ExclamationCircleFilled {...QUIET} style={{ color: token.colorWarning }} />;
    return <CheckCircleFilled {...QUIET} style={{ color: token.colorPrimary }} />;
  };
  return (
    <Flex vertical gap={12}>
      <Alert
        type={kind}
        showIcon
        title={t(`orders.result.${decision.result}`, {
          defaultValue: decision.result,
          amount: `${currency} ${amount(decision.amount)}`,
        })}
        description={
          way.length > 0 &&
          way.map(({ key, value }) => <div key={key}>{t(`orders.way.${key}`, { value })}</div>)
        }
      />
      {reasons.length > 0 && (
        <div>
          <Typography.Text strong>{t("orders.why")}</Typography.Text>
          {reasons.map((reason) => (
            <div key={`${reason.code}${reason.pool}`} style={{ marginTop: 4 }}>
              {icon(reason.strength)} {reason.message}
            </div>
          ))}
        </div>
      )}
      <div>
        <Typography.Text strong>{t("orders.then")}</Typography.Text>
        <ExposureBar
          limit={inputs.limit}
          unlimited={inputs.limit_state === "unlimited"}
          exposure={{ total: inputs.exposure }}
          available={inputs.available}
          currency={currency}
        />
      </div>
      <Typography.Text type="secondary">
        {t("orders.decidedOn", { date: decision.business_date, at: instant(decision.decided_at) })}{" "}
        <Person username={decision.decided_by} />
      </Typography.Text>
    </Flex>
  );
}

function wayOut({ would_pass_if, currency }: Decision): { key: string; value: string }[] {
  const ways = [
    ["payment", would_pass_if.payment_needed],
    ["amount", would_pass_if.largest_amount],
    ["limit", would_pass_if.limit_needed],
  ] as const;
  return ways.flatMap(([key, value]) =>
    value && !value.startsWith("-") && Number(value) > 0
      ? [{ key, value: `${currency} ${amount(value)}` }]
      : [],
  );
}
