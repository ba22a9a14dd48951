import { Descriptions, Drawer, Flex, Grid, Table, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { useFormats } from "../../shared/useFormats";
import { Actor } from "./Actor";
import { actionWord, type Change, fieldWord, type Line, subjectText, told, valueText } from "./lines";

const WIDTH_PX = 640;

/** One line of the trail in full: what was, what is, and from where it was done. */
export function LineDetail({ line, close }: { line: Line; close: () => void }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const wide = Grid.useBreakpoint().md;
  const changes = told(line.changes);
  const details = Object.entries(line.detail).filter(([, value]) => value !== null && value !== "");
  return (
    <Drawer
      open
      onClose={close}
      mask={false}
      size={wide ? WIDTH_PX : "100%"}
      title={t("audit.lineTitle", { action: actionWord(t, line.action), place: line.place })}
    >
      <Flex vertical gap={16}>
        <Descriptions
          column={1}
          size="small"
          styles={{ label: { width: 90 }, content: { overflowWrap: "anywhere" } }}
        >
          <Descriptions.Item label={t("audit.at")}>{instant(line.at)}</Descriptions.Item>
          <Descriptions.Item label={t("audit.actor")}>
            <Actor name={line.actor} />
          </Descriptions.Item>
          <Descriptions.Item label={t("audit.subject")}>{subjectText(line)}</Descriptions.Item>
          <Descriptions.Item label={t("audit.source")}>
            {t(`system.service.${line.source}`)}
          </Descriptions.Item>
          <Descriptions.Item label={t("audit.address")}>{line.address || "—"}</Descriptions.Item>
          <Descriptions.Item label={t("audit.agent")}>{line.agent || "—"}</Descriptions.Item>
          <Descriptions.Item label={t("audit.trace")}>
            {line.trace_id ? <Typography.Text copyable>{line.trace_id}</Typography.Text> : "—"}
          </Descriptions.Item>
          <Descriptions.Item label={t("audit.hash")}>
            <Typography.Text copyable={{ text: line.hash }} title={line.hash}>
              {line.hash.slice(0, 16)}…
            </Typography.Text>
          </Descriptions.Item>
        </Descriptions>
        {changes.length > 0 && (
          <Table<Change>
            size="small"
            rowKey="field"
            pagination={false}
            dataSource={changes}
            scroll={{ x: 330 }}
            columns={[
              {
                title: t("audit.fieldHead"),
                dataIndex: "field",
                width: "26%",
                render: (field: string) => <span title={field}>{fieldWord(t, field)}</span>,
              },
              {
                title: t("audit.before"),
                dataIndex: "before",
                render: (value: unknown) => (
                  <Typography.Text
                    type="secondary"
                    delete={value !== null}
                    style={{ overflowWrap: "anywhere" }}
                  >
                    {valueText(t, value)}
                  </Typography.Text>
                ),
              },
              {
                title: t("audit.after"),
                dataIndex: "after",
                render: (value: unknown) => (
                  <span style={{ overflowWrap: "anywhere" }}>{valueText(t, value)}</span>
                ),
              },
            ]}
          />
        )}
        {details.length > 0 && (
          <Descriptions
            title={t("audit.more")}
            column={1}
            size="small"
            styles={{ label: { width: 140 }, content: { overflowWrap: "anywhere" } }}
            items={details.map(([name, value]) => ({
              key: name,
              label: fieldWord(t, name),
              children: valueText(t, value),
            }))}
          />
        )}
      </Flex>
    </Drawer>
  );
}
