import { Table, theme } from "antd";
import Decimal from "decimal.js";
import { useTranslation } from "react-i18next";
import { Amount } from "../../shared/Amount";
import { DataTable } from "../../shared/DataTable";
import { Person } from "../../shared/People";
import { measured, type QueryData } from "./data";

/** A cross table: rows by their dimensions, a column for each value of the other, with sums. */
export function PivotWidget({ data }: { data: QueryData }) {
  const { t } = useTranslation();
  const { token } = theme.useToken();
  const { pivot, dimensions } = data;
  const [measure] = data.measures;
  if (pivot === undefined || measure === undefined) return null;
  const rowKeys = Object.keys(pivot.rows[0]?.key ?? {});
  const label = (key: string) => dimensions.find((dimension) => dimension.key === key)?.label ?? key;
  const cell = (row: (typeof pivot.rows)[number], column: string) =>
    String(row.cells[column]?.[measure.key] ?? "0");
  const sums = measure.unit === "amount" || measure.unit === "count";
  const total = (row: (typeof pivot.rows)[number]) =>
    pivot.columns.reduce((sum, column) => sum.plus(cell(row, column)), new Decimal(0)).toFixed(2);
  const currencies = [...new Set(pivot.rows.map(({ currency }) => currency))];
  const late = (column: string) => column !== "current";
  return (
    <DataTable
      scroll={{ x: 900 }}
      rowKey={(row) => JSON.stringify([row.key, row.currency])}
      dataSource={pivot.rows}
      columns={[
        ...rowKeys.map((key) => ({
          key,
          title: label(key),
          render: (_: unknown, row: (typeof pivot.rows)[number]) =>
            key === "salesperson" ? (
              <Person username={row.key[key]} />
            ) : (
              (row.key[key] ?? t("analysis.unknown"))
            ),
        })),
        ...(currencies.length > 1
          ? [{ key: "currency", title: t("customers.currency"), dataIndex: "currency" }]
          : []),
        ...pivot.columns.map((column) => ({
          key: `column-${column}`,
          title: t(`analysis.bucket.${column.replace(">", "over")}`, { defaultValue: column }),
          align: "right" as const,
          render: (_: unknown, row: (typeof pivot.rows)[number]) => {
            const value = cell(row, column);
            if (new Decimal(value).isZero()) return <span className="amount">—</span>;
            return (
              <span className="amount" style={late(column) ? { color: token.colorError } : {}}>
                {measured(measure, value)}
              </span>
            );
          },
        })),
        ...(sums
          ? [
              {
                key: "total",
                title: t("analysis.total"),
                align: "right" as const,
                render: (_: unknown, row: (typeof pivot.rows)[number]) => (
                  <Amount value={total(row)} strong />
                ),
              },
            ]
          : []),
      ]}
      {...(sums && currencies.length === 1
        ? {
            summary: (rows: readonly (typeof pivot.rows)[number][]) => (
              <Table.Summary.Row>
                <Table.Summary.Cell index={0} colSpan={rowKeys.length}>
                  <strong>{t("analysis.total")}</strong>
                </Table.Summary.Cell>
                {[...pivot.columns, null].map((column, place) => (
                  <Table.Summary.Cell key={column ?? "total"} index={rowKeys.length + place} align="right">
                    <Amount
                      strong
                      value={rows
                        .reduce(
                          (sum, row) => sum.plus(column === null ? total(row) : cell(row, column)),
                          new Decimal(0),
                        )
                        .toFixed(2)}
                    />
                  </Table.Summary.Cell>
                ))}
              </Table.Summary.Row>
            ),
          }
        : {})}
    />
  );
}
