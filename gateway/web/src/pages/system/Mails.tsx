import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Card, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { get, post } from "../../api/client";

/** Mails that were given up, with a way to send them again. */
export function Mails() {
  const { t } = useTranslation();
  const known = useQueryClient();
  const found = useQuery({
    queryKey: ["mails", "failed"],
    queryFn: () =>
      get<{ items: unknown[]; next: string | null }>("/api/v1/admin/mails", {
        query: { state: "failed", "page[size]": 50 },
      }),
  });
  const again = useMutation({
    mutationFn: () => post("/api/v1/admin/mails:retry"),
    onSettled: () => known.invalidateQueries({ queryKey: ["mails"] }),
  });
  const count = found.data?.items.length ?? 0;
  return (
    <Card size="small" title={t("system.mails")}>
      <Flex gap={12} align="center" wrap>
        <Typography.Text type={count > 0 ? "danger" : "secondary"}>
          {count === 0
            ? t("system.mailsFine")
            : t("system.mailsFailed", { count: found.data?.next ? `${count}+` : count })}
        </Typography.Text>
        {count > 0 && (
          <Button size="small" loading={again.isPending} onClick={() => again.mutate()}>
            {t("system.mailsAgain")}
          </Button>
        )}
      </Flex>
    </Card>
  );
}
