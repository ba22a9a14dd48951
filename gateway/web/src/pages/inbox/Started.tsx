import { useInfiniteQuery } from "@tanstack/react-query";
import { Button, Card, Empty, Flex, Skeleton } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { get } from "../../api/client";
import { useMe } from "../../api/me";
import { Page } from "../../shared/Page";
import { StateTag } from "../../shared/Tags";
import { useFormats } from "../../shared/useFormats";
import { Progress } from "./Progress";

interface Line {
  id: string;
  state: string;
  started_at: string;
  subject: { type: string; id: string; key: string } | null;
}

/** What the person has started, and how it stands. */
export function Started() {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const me = useMe();
  const [open, setOpen] = useState<string | null>(null);
  const username = me.data?.user.username;
  const found = useInfiniteQuery({
    queryKey: ["tasks", "started", username],
    queryFn: ({ pageParam }) =>
      get<{ items: Line[]; next: string | null }>("/api/v1/instances", {
        query: { initiator: username, "page[size]": 50, ...(pageParam ? { "page[after]": pageParam } : {}) },
      }),
    initialPageParam: "",
    getNextPageParam: ({ next }) => next ?? undefined,
    select: ({ pages }) => pages.flatMap(({ items }) => items),
    enabled: username !== undefined,
  });
  if (found.isPending) return <Skeleton active />;
  if (found.error) return <Page title="" problem={found.error} retry={found.refetch} />;
  if (found.data.length === 0)
    return <Empty description={t("inbox.empty.started")} style={{ padding: 48 }} />;
  return (
    <Flex vertical gap={8} style={{ maxWidth: 760 }}>
      {found.data.map((line) => (
        <Card key={line.id} size="small">
          <Flex gap={12} align="center" wrap>
            <strong style={{ flex: 1 }}>{line.subject?.key}</strong>
            <StateTag kind="instance" state={line.state} />
            <span>{instant(line.started_at)}</span>
            <Button
              size="small"
              aria-expanded={open === line.id}
              onClick={() => setOpen(open === line.id ? null : line.id)}
            >
              {t("inbox.progress")}
            </Button>
          </Flex>
          {open === line.id && <Progress instanceId={line.id} />}
        </Card>
      ))}
      {found.hasNextPage && <Button onClick={() => found.fetchNextPage()}>{t("inbox.more")}</Button>}
    </Flex>
  );
}
