import { Flex, theme } from "antd";
import Decimal from "decimal.js";
import { useTranslation } from "react-i18next";
import { STAGES } from "../app/theme";
import { partsOf } from "./exposure";
import { amount } from "./formats";

interface Props {
  /** null: no limit was set, or it is unlimited. */
  limit: string | null | undefined;
  unlimited?: boolean;
  /** By stage where it is known, else its total alone. Decimal text. */
  exposure: { reserved?: string; delivered?: string; receivable?: string; total: string };
  available?: string | null;
  overdue?: string | null | undefined;
  currency?: string | null;
}

/**
 * The signature of the suite: the limit as a frame, the stages of exposure stacked inside it, what is available
 * as the empty rest, and what is over the limit spilling out of the frame.
 */
export function ExposureBar(props: Props) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { limit, unlimited = false, exposure, available, currency } = props;
  const parts = partsOf(props);
  const used = new Decimal(exposure.total);
  const frame = limit ? new Decimal(limit) : new Decimal(0);
  const whole = Decimal.max(frame, used, new Decimal(1));
  const share = (value: Decimal) => `${value.div(whole).mul(100).toFixed(3)}%`;
  const over = frame.gt(0) && used.gt(frame);
  const money = (value: string | null | undefined) => `${currency ? `${currency} ` : ""}${amount(value)}`;
  const limitWord = unlimited ? t("exposure.unlimited") : limit ? money(limit) : t("exposure.unset");
  const said = [
    `${t("exposure.limit")} ${limitWord}`,
    `${t("exposure.used")} ${money(exposure.total)}`,
    ...parts.map(({ stage, value }) => `${t(`exposure.${stage}`)} ${amount(value.toFixed(2))}`),
  ].join("，");
  return (
    <div role="img" aria-label={said}>
      <div style={{ position: "relative", height: 22, margin: "6px 0" }}>
        <div
          style={{
            position: "absolute",
            insetBlock: 0,
            left: 0,
            width: share(frame.gt(0) ? frame : whole),
            border: `2px ${frame.gt(0) ? "solid" : "dashed"} ${token.colorTextSecondary}`,
            borderRadius: 4,
            background: token.colorFillQuaternary,
            boxSizing: "border-box",
          }}
        />
        <div
          style={{
            position: "absolute",
            insetBlock: 5,
            left: 4,
            right: 4,
            display: "flex",
            borderRadius: 2,
            overflow: "hidden",
          }}
        >
          {parts.map(({ stage, value }) => (
            <div key={stage} style={{ width: share(value), background: STAGES[stage] }} />
          ))}
        </div>
        {over && (
          <div
            style={{
              position: "absolute",
              insetBlock: -3,
              left: share(frame),
              borderLeft: `3px solid ${token.colorText}`,
            }}
          />
        )}
      </div>
      <Flex gap="2px 16px" wrap style={{ fontSize: 13, color: token.colorTextSecondary }}>
        <span>
          {t("exposure.limit")} <strong style={{ color: token.colorText }}>{limitWord}</strong>
        </span>
        {parts.map(({ stage, value }) => (
          <span key={stage} style={{ display: "inline-flex", alignItems: "center", gap: 5 }}>
            <span
              style={{
                width: 9,
                height: 9,
                borderRadius: 2,
                background: STAGES[stage],
                display: "inline-block",
              }}
            />
            {t(`exposure.${stage}`)} {amount(value.toFixed(2))}
          </span>
        ))}
        {available !== undefined && available !== null && (
          <span>
            {t(available.startsWith("-") ? "exposure.over" : "exposure.available")}{" "}
            <strong style={{ color: available.startsWith("-") ? token.colorError : token.colorSuccess }}>
              {amount(available.replace("-", ""))}
            </strong>
          </span>
        )}
      </Flex>
    </div>
  );
}
