import { useTranslation } from "react-i18next";
import { DataTable } from "../../shared/DataTable";
import { Person } from "../../shared/People";
import { measured, type QueryData } from "./data";

/** Measures by dimensions, as plain rows. */
export function TableWidget({ data }: { data: QueryData }) {
  const { t } = useTranslation();
  const currencies = [...new Set(data.rows.map(({ currency }) => currency))];
  return (
    <DataTable
      pagination={{ pageSize: 20, hideOnSinglePage: true }}
      scroll={{ x: 700 }}
      rowKey={(row) => JSON.stringify([data.dimensions.map(({ key }) => row[key]), row.currency])}
      dataSource={data.rows}
      columns={[
        ...data.dimensions.map(({ key, label }) => ({
          key,
          title: label,
          render: (_: unknown, row: QueryData["rows"][number]) =>
            key === "salesperson" ? (
              <Person username={String(row[key])} />
            ) : (
              (row[key] ?? t("analysis.unknown"))
            ),
        })),
        ...(currencies.length > 1
          ? [{ key: "currency", title: t("customers.currency"), dataIndex: "currency" }]
          : []),
        ...data.measures.map((measure) => ({
          key: measure.key,
          title:
            measure.unit === "amount" && currencies.length === 1
              ? `${measure.label}（${currencies[0]}）`
              : measure.label,
          align: "right" as const,
          render: (_: unknown, row: QueryData["rows"][number]) => (
            <span className="amount">{measured(measure, row[measure.key])}</span>
          ),
        })),
      ]}
    />
  );
}
