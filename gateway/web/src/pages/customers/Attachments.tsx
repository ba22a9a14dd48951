import { DeleteOutlined, UploadOutlined } from "@ant-design/icons";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { App, Button, Empty, Flex, Image, List, Modal, Typography, Upload } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { post, remove } from "../../api/client";
import { useMay } from "../../api/me";
import { told } from "../../api/problem";
import { QUIET } from "../../shared/icons";
import { Page } from "../../shared/Page";
import { Person } from "../../shared/People";
import { useFormats } from "../../shared/useFormats";
import { useListing } from "../../shared/useListing";

interface Attachment {
  id: string;
  name: string;
  content_type: string;
  size: number;
  uploaded_at: string;
  uploaded_by: string;
}

/** A customer's files: pictures and PDF are seen in place, the rest is downloaded. */
export default function Attachments({ id }: { id: string }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const { message, modal } = App.useApp();
  const known = useQueryClient();
  const mayUpdate = useMay("customers.update");
  const [seen, setSeen] = useState<Attachment | null>(null);
  const listed = useListing<Attachment>(
    "/api/v1/customers/{customer_id}/attachments",
    {},
    { customer_id: id },
  );
  const again = () =>
    known.invalidateQueries({ queryKey: ["list", "/api/v1/customers/{customer_id}/attachments"] });
  const fail = (problem: unknown) => message.error(told(problem, t("page.failed")));
  const add = useMutation({
    mutationFn: (file: Blob) => {
      const body = new FormData();
      body.set("file", file);
      return post("/api/v1/customers/{customer_id}/attachments", { path: { customer_id: id }, body });
    },
    onSuccess: again,
    onError: fail,
  });
  const drop = useMutation({
    mutationFn: (attachment: string) =>
      remove("/api/v1/customers/{customer_id}/attachments/{attachment_id}", {
        path: { customer_id: id, attachment_id: attachment },
      }),
    onSuccess: again,
    onError: fail,
  });
  const address = (one: Attachment) => `/api/v1/customers/${id}/attachments/${one.id}/content`;
  if (listed.isPending || listed.error) {
    return <Page title="" loading={listed.isPending} problem={listed.error} retry={listed.refetch} />;
  }
  return (
    <Flex vertical gap={12} align="start">
      {mayUpdate && (
        <Upload showUploadList={false} customRequest={({ file }) => file instanceof Blob && add.mutate(file)}>
          <Button icon={<UploadOutlined {...QUIET} />} loading={add.isPending}>
            {t("customers.attach")}
          </Button>
        </Upload>
      )}
      {listed.data.length === 0 ? (
        <Empty description={t("customers.empty.attachments")} style={{ width: "100%" }} />
      ) : (
        <List
          style={{ width: "100%" }}
          dataSource={listed.data}
          renderItem={(one) => (
            <List.Item
              actions={
                mayUpdate
                  ? [
                      <Button
                        key="drop"
                        type="text"
                        danger
                        icon={<DeleteOutlined {...QUIET} />}
                        aria-label={t("customers.drop", { name: one.name })}
                        onClick={() =>
                          modal.confirm({
                            title: t("customers.drop", { name: one.name }),
                            okButtonProps: { danger: true },
                            onOk: () => drop.mutateAsync(one.id),
                          })
                        }
                      />,
                    ]
                  : []
              }
            >
              <List.Item.Meta
                title={
                  canBeSeen(one) ? (
                    <Button type="link" style={{ padding: 0 }} onClick={() => setSeen(one)}>
                      {one.name}
                    </Button>
                  ) : (
                    <a href={address(one)} download={one.name}>
                      {one.name}
                    </a>
                  )
                }
                description={
                  <Typography.Text type="secondary">
                    {Math.ceil(one.size / 1024)} KB · <Person username={one.uploaded_by} /> ·{" "}
                    {instant(one.uploaded_at)}
                  </Typography.Text>
                }
              />
            </List.Item>
          )}
        />
      )}
      <Modal open={seen !== null} title={seen?.name} footer={null} width={900} onCancel={() => setSeen(null)}>
        {seen?.content_type === "application/pdf" ? (
          <iframe
            title={seen.name}
            src={address(seen)}
            style={{ width: "100%", height: "70vh", border: 0 }}
          />
        ) : (
          seen && <Image src={address(seen)} alt={seen.name} preview={false} style={{ maxWidth: "100%" }} />
        )}
      </Modal>
    </Flex>
  );
}

function canBeSeen({ content_type }: Attachment): boolean {
  return content_type === "application/pdf" || /^image\/(png|jpeg|gif|webp)$/.test(content_type);
}
