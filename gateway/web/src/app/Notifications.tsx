import { BellOutlined } from "@ant-design/icons";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Badge, Button, Drawer, Empty, Flex, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { get, post } from "../api/client";
import { useUnread } from "../api/live";
import { useMay } from "../api/me";
import { QUIET } from "../shared/icons";
import { useFormats } from "../shared/useFormats";

interface Notification {
  id: string;
  title: string;
  body: string;
  created_at: string;
  read_at: string | null;
}

/** The bell: how many are unread, and behind it what they say. */
export function Notifications() {
  const { t } = useTranslation();
  const may = useMay("notifications.read");
  const unread = useUnread();
  const [open, setOpen] = useState(false);
  if (!may) return null;
  return (
    <>
      <Button
        type="text"
        aria-label={t("notifications.label", { count: unread })}
        onClick={() => setOpen(true)}
        icon={
          <Badge count={unread} size="small" overflowCount={99}>
            <BellOutlined {...QUIET} style={{ fontSize: 17 }} />
          </Badge>
        }
      />
      <Drawer title={t("notifications.title")} open={open} onClose={() => setOpen(false)} destroyOnHidden>
        <Latest />
      </Drawer>
    </>
  );
}

function Latest() {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const known = useQueryClient();
  const found = useQuery({
    queryKey: ["notifications"],
    queryFn: () => get<{ items: Notification[] }>("/api/v1/notifications", { query: { "page[size]": 50 } }),
  });
  const readAll = useMutation({
    mutationFn: () => post("/api/v1/notifications:read"),
    onSettled: () => known.invalidateQueries({ queryKey: ["notifications"] }),
  });
  if (found.data?.items.length === 0) return <Empty description={t("notifications.none")} />;
  return (
    <Flex vertical gap={4}>
      <Button
        style={{ alignSelf: "end" }}
        size="small"
        onClick={() => readAll.mutate()}
        loading={readAll.isPending}
      >
        {t("notifications.readAll")}
      </Button>
      {found.data?.items.map((each) => (
        <div key={each.id} style={{ padding: "8px 0" }}>
          <Typography.Text strong={each.read_at === null}>{each.title}</Typography.Text>
          {each.body && (
            <Typography.Paragraph type="secondary" style={{ whiteSpace: "pre-wrap", margin: 0 }}>
              {each.body.trim()}
            </Typography.Paragraph>
          )}
          <div>
            <Typography.Text type="secondary" style={{ fontSize: 12 }}>
              {instant(each.created_at)}
            </Typography.Text>
          </div>
        </div>
      ))}
    </Flex>
  );
}
