import { Button, Empty, Flex, Timeline, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";

interface Line {
  id: number;
  action: string;
  changes: { field: string; label: string; before: unknown; after: unknown }[];
  changed_at: string;
  changed_by: string;
}

/** Who changed what: the differences, newest first. */
export function History({ id }: { id: string }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const listed = useListing<Line>("/api/v1/customers/{customer_id}/history", {}, { customer_id: id });
  if (listed.isPending || listed.error) {
    return <Page title="" loading={listed.isPending} problem={listed.error} retry={listed.refetch} />;
  }
  if (listed.data.length === 0) return <Empty description={t("customers.empty.history")} />;
  return (
    <>
      <Timeline
        items={listed.data.map((line) => ({
          key: line.id,
          content: (
            <div>
              <Flex gap={8} wrap>
                <strong>{t(`customers.change.${line.action}`, { defaultValue: line.action })}</strong>
                <Person username={line.changed_by} />
                <Typography.Text type="secondary">{instant(line.changed_at)}</Typography.Text>
              </Flex>
              {line.changes.map((change) => (
                <div key={change.field}>
                  <Typography.Text type="secondary">{change.label}：</Typography.Text>
                  {!isEmpty(change.before) && (
                    <>
                      <Typography.Text delete>{shown(change.before)}</Typography.Text> →{" "}
                    </>
                  )}
                  {isEmpty(change.after) ? t("customers.emptied") : shown(change.after)}
                </div>
              ))}
            </div>
          ),
        }))}
      />
      {listed.hasNextPage && <Button onClick={() => listed.fetchNextPage()}>{t("list.more")}</Button>}
    </>
  );
}

function isEmpty(value: unknown): boolean {
  return value === null || value === undefined || value === "";
}

/** A value in a line: texts as they stand, of people their names, of anything else its parts. */
function shown(value: unknown): string {
  if (Array.isArray(value)) return value.map(shown).join("、");
  if (typeof value === "object" && value !== null) {
    const { name, ...rest } = value as Record<string, unknown>;
    return [name, ...Object.values(rest)].filter((part) => typeof part === "string" && part !== "").join(" ");
  }
  return String(value);
}
