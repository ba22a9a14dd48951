import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { Chart } from "../../shared/Chart";
import { amount } from "../../shared/formats";
import { useFormats } from "../../shared/useFormats";
import type { Measure, Row } from "./data";

interface Props {
  title: string;
  rows: Row[];
  measures?: Measure[];
}

/** Amounts by month, a line for each measure and currency. */
export function LineWidget({ title, rows, measures }: Props) {
  const { t } = useTranslation();
  const { chartNumber } = useFormats();
  const keys = useMemo(
    () =>
      measures?.map(({ key, label }) => ({ key, label })) ??
      ["credit_limit", "credit_used"]
        .filter((key) => rows.some((row) => row[key] !== undefined))
        .map((key) => ({ key, label: t(`analysis.measure.${key}`) })),
    [measures, rows, t],
  );
  const option = useMemo(() => {
    const months = [...new Set(rows.map((row) => String(row.month)))].sort();
    const currencies = [...new Set(rows.map((row) => String(row.currency)))];
    const value = (key: string, month: string, currency: string) => {
      const row = rows.find((each) => each.month === month && String(each.currency) === currency);
      return row ? Number(row[key]) : null;
    };
    return {
      grid: { left: 8, right: 16, top: 36, bottom: 4, containLabel: true },
      legend: { top: 0 },
      tooltip: {
        trigger: "axis",
        valueFormatter: (found: number | null) => (found === null ? "—" : chartNumber(found)),
      },
      xAxis: { type: "category", data: months, boundaryGap: false },
      yAxis: {
        type: "value",
        axisLabel: { formatter: chartNumber },
        name: currencies.length === 1 ? currencies[0] : "",
      },
      series: keys.flatMap(({ key, label }) =>
        currencies.map((currency) => ({
          name: currencies.length === 1 ? label : `${label} ${currency}`,
          type: "line",
          showSymbol: false,
          areaStyle: { opacity: 0.08 },
          data: months.map((month) => value(key, month, currency)),
        })),
      ),
    };
  }, [rows, keys, chartNumber]);
  return (
    <Chart
      label={title}
      option={option}
      table={{
        columns: [
          { key: "month", title: t("customers.profile.month") },
          { key: "currency", title: t("customers.currency") },
          ...keys.map(({ key, label }) => ({ key, title: label, right: true })),
        ],
        rows: rows.map((row) => ({
          month: String(row.month),
          currency: String(row.currency),
          ...Object.fromEntries(keys.map(({ key }) => [key, amount(String(row[key]))])),
        })),
      }}
    />
  );
}
