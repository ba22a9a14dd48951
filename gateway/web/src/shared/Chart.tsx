import { Segmented } from "antd";
import { BarChart, LineChart, PieChart } from "echarts/charts";
import { DatasetComponent, GridComponent, LegendComponent, TooltipComponent } from "echarts/components";
import { type EChartsCoreOption, init, use } from "echarts/core";
import { SVGRenderer } from "echarts/renderers";
import { useEffect, useRef, useState } from "react";
import { useTranslation } from "react-i18next";
import { useLook } from "../app/look";
import { CHART } from "../app/theme";
import { DataTable } from "./DataTable";

use([
  BarChart,
  LineChart,
  PieChart,
  DatasetComponent,
  GridComponent,
  LegendComponent,
  TooltipComponent,
  SVGRenderer,
]);

export interface ChartTable {
  columns: { key: string; title: string; right?: boolean }[];
  rows: Record<string, string>[];
}

interface Props {
  /** What the picture is about, for those who do not see it. */
  label: string;
  option: EChartsCoreOption;
  table: ChartTable;
  height?: number;
}

/** A chart, with the same data as a table one click away. */
export function Chart({ label, option, table, height = 280 }: Props) {
  const { t } = useTranslation();
  const [view, setView] = useState<"chart" | "table">("chart");
  return (
    <div>
      <div style={{ display: "flex", justifyContent: "end" }}>
        <Segmented
          size="small"
          value={view}
          onChange={setView}
          options={[
            { value: "chart", label: t("chart.picture") },
            { value: "table", label: t("chart.table") },
          ]}
        />
      </div>
      {view === "chart" ? (
        <Picture label={label} option={option} height={height} />
      ) : (
        <DataTable
          rowKey={(row) => JSON.stringify(row)}
          scroll={{ y: height - 40 }}
          dataSource={table.rows}
          columns={table.columns.map(({ key, title, right }) => ({
            key,
            title,
            dataIndex: key,
            ...(right ? { align: "right" as const, className: "amount" } : {}),
          }))}
        />
      )}
    </div>
  );
}

function Picture({ label, option, height }: { label: string; option: EChartsCoreOption; height: number }) {
  const place = useRef<HTMLDivElement>(null);
  const look = useLook();
  useEffect(() => {
    const element = place.current;
    if (element === null) return;
    const chart = init(element, look === "dark" ? "dark" : null, { renderer: "svg" });
    chart.setOption({ color: CHART, backgroundColor: "transparent", animation: false, ...option });
    const watching = new ResizeObserver(() => chart.resize());
    watching.observe(element);
    return () => {
      watching.disconnect();
      chart.dispose();
    };
  }, [option, look]);
  return <div ref={place} role="img" aria-label={label} style={{ height }} />;
}
