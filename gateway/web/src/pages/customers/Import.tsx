import { InboxOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, Button, Checkbox, Flex, Result, Space, Steps, Typography, Upload } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";
import { post } from "../../api/client";
import { told } from "../../api/problem";
import { DataTable } from "../../shared/DataTable";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";

interface Report {
  created?: number;
  updated?: number;
  skipped?: number;
  errors?: { row: number; field?: string; message: string }[];
  [name: string]: unknown;
}

/** Bringing customers in from a sheet: first what would happen, row by row, then for good. */
export default function Import() {
  const { t } = useTranslation();
  const known = useQueryClient();
  const [file, setFile] = useState<File | null>(null);
  const [update, setUpdate] = useState(false);
  const send = useMutation({
    mutationFn: ({ chosen, dryRun }: { chosen: File; dryRun: boolean }) => {
      const body = new FormData();
      body.set("file", chosen);
      body.set("dry_run", String(dryRun));
      body.set("update_existing", String(update));
      return post<Report>("/api/v1/customers:import", { body });
    },
  });
  const apply = send.variables?.dryRun === false;
  const done = send.isSuccess && apply;
  const errors = send.data?.errors ?? [];
  const choose = (chosen: File) => {
    setFile(chosen);
    send.mutate({ chosen, dryRun: true });
    return false;
  };
  return (
    <Page title={t("customers.importing.title")} permission="customers.import">
      <Flex vertical gap={16} style={{ maxWidth: 900 }}>
        <Steps
          size="small"
          current={done ? 2 : send.isSuccess ? 1 : 0}
          items={["choose", "check", "done"].map((step) => ({ title: t(`customers.importing.${step}`) }))}
        />
        {!done && (
          <>
            <Typography.Paragraph>{t("customers.importing.hint")}</Typography.Paragraph>
            <Checkbox checked={update} onChange={({ target }) => setUpdate(target.checked)}>
              {t("customers.importing.update")}
            </Checkbox>
            <Upload.Dragger accept=".xlsx,.csv" showUploadList={false} beforeUpload={choose}>
              <p>
                <InboxOutlined {...QUIET} style={{ fontSize: 36 }} />
              </p>
              <p>{file?.name ?? t("customers.importing.drop")}</p>
            </Upload.Dragger>
          </>
        )}
        {send.error && <Alert type="error" showIcon title={told(send.error, t("page.failed"))} />}
        {send.isSuccess && !done && (
          <>
            <Alert
              type={errors.length > 0 ? "warning" : "success"}
              showIcon
              title={t("customers.importing.would", {
                created: send.data.created ?? 0,
                updated: send.data.updated ?? 0,
                errors: errors.length,
              })}
            />
            {errors.length > 0 && (
              <DataTable
                rowKey={(error) => `${error.row}${error.field}${error.message}`}
                dataSource={errors}
                pagination={{ pageSize: 50, hideOnSinglePage: true }}
                columns={[
                  { title: t("customers.importing.row"), dataIndex: "row", width: 80 },
                  { title: t("customers.importing.field"), dataIndex: "field", width: 160 },
                  { title: t("customers.importing.fault"), dataIndex: "message" },
                ]}
              />
            )}
            <Space>
              <Button
                type="primary"
                loading={send.isPending}
                onClick={() =>
                  file &&
                  send.mutate(
                    { chosen: file, dryRun: false },
                    {
                      onSuccess: () => known.invalidateQueries({ queryKey: ["list"] }),
                    },
                  )
                }
              >
                {t("customers.importing.apply")}
              </Button>
            </Space>
          </>
        )}
        {done && (
          <Result
            status="success"
            title={t("customers.importing.did", {
              created: send.data.created ?? 0,
              updated: send.data.updated ?? 0,
            })}
            extra={<Link to="/customers">{t("customers.title")}</Link>}
          />
        )}
      </Flex>
    </Page>
  );
}
