import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Button, Flex, Typography } from "antd";
import { useTranslation } from "react-i18next";
import { get, post, remove } from "../../api/client";
import { useFormats } from "../../shared/useFormats";

interface Session {
  id: string;
  created_at: string;
  refreshed_at: string;
  address: string;
  agent: string;
}

/** Where a user is signed in now. */
export function Sessions({ username }: { username: string }) {
  const { t } = useTranslation();
  const { instant } = useFormats();
  const known = useQueryClient();
  const found = useQuery({
    queryKey: ["sessions", username],
    queryFn: () =>
      get<{ items: Session[] }>("/api/v1/admin/users/{key}/sessions", { path: { key: username } }),
  });
  const end = useMutation({
    mutationFn: (id: string | null) =>
      id === null
        ? post("/api/v1/admin/users/{key}/sessions:end", { path: { key: username } })
        : remove("/api/v1/admin/users/{key}/sessions/{session_id}", {
            path: { key: username, session_id: id },
          }),
    onSettled: () => known.invalidateQueries({ queryKey: ["sessions", username] }),
  });
  const items = found.data?.items ?? [];
  return (
    <section aria-label={t("users.sessions")}>
      <Flex align="center" style={{ marginBottom: 8 }}>
        <h2 style={{ fontSize: 15, margin: 0, flex: 1 }}>{t("users.sessions")}</h2>
        {items.length > 1 && (
          <Button size="small" danger onClick={() => end.mutate(null)} loading={end.isPending}>
            {t("users.endAll")}
          </Button>
        )}
      </Flex>
      {found.data && items.length === 0 && (
        <Typography.Text type="secondary">{t("users.noSessions")}</Typography.Text>
      )}
      {items.map((each) => (
        <Flex key={each.id} gap={8} align="center" style={{ padding: "6px 0" }}>
          <div style={{ flex: 1, minWidth: 0 }}>
            <div>
              {device(each.agent)} · {each.address || "—"}
            </div>
            <Typography.Text type="secondary" style={{ fontSize: 12 }}>
              {t("users.sessionAt", { began: instant(each.created_at), last: instant(each.refreshed_at) })}
            </Typography.Text>
          </div>
          <Button size="small" onClick={() => end.mutate(each.id)} disabled={end.isPending}>
            {t("users.end")}
          </Button>
        </Flex>
      ))}
    </section>
  );
}

const PROGRAMS = ["Edg", "Firefox", "Chrome", "Safari"];
const SYSTEMS = ["Android", "iPhone", "iPad", "Windows", "Mac OS", "Linux"];

/** "Chrome · Windows" of what a browser says of itself; other programs by their first word. */
function device(agent: string): string {
  const program = PROGRAMS.find((each) => agent.includes(each));
  const system = SYSTEMS.find((each) => agent.includes(each));
  if (program === undefined) return agent.split("/").at(0) || "—";
  return [program === "Edg" ? "Edge" : program, system].filter(Boolean).join(" · ");
}
