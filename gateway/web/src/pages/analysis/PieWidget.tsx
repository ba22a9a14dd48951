import { useMemo } from "react";
import { useTranslation } from "react-i18next";
import { GRADES } from "../../app/theme";
import { Chart } from "../../shared/Chart";
import { measured, type QueryData } from "./data";

/** Shares of a whole; grades keep their colours. */
export function PieWidget({ title, data }: { title: string; data: QueryData }) {
  const { t } = useTranslation();
  const [dimension] = data.dimensions;
  const [measure] = data.measures;
  const option = useMemo(() => {
    if (dimension === undefined || measure === undefined) return {};
    return {
      tooltip: { trigger: "item", formatter: "{b}: {c} ({d}%)" },
      legend: { bottom: 0 },
      series: [
        {
          type: "pie",
          radius: ["42%", "68%"],
          center: ["50%", "45%"],
          label: { formatter: "{b} {c}" },
          data: data.rows.map((row) => {
            const name = String(row[dimension.key] ?? t("analysis.unknown"));
            const colour = dimension.key === "grade" ? GRADES[name] : undefined;
            return {
              name,
              value: Number(row[measure.key]),
              ...(colour ? { itemStyle: { color: colour } } : {}),
            };
          }),
        },
      ],
    };
  }, [data, dimension, measure, t]);
  if (dimension === undefined || measure === undefined) return null;
  return (
    <Chart
      label={title}
      option={option}
      table={{
        columns: [
          { key: "name", title: dimension.label },
          { key: "value", title: measure.label, right: true },
        ],
        rows: data.rows.map((row) => ({
          name: String(row[dimension.key] ?? t("analysis.unknown")),
          value: measured(measure, row[measure.key]),
        })),
      }}
    />
  );
}
