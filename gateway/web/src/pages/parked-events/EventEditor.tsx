import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Flex, Input } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { patch, post } from "../../api/client";
import { told } from "../../api/problem";
import { PARKED, type Parked } from "./parked";

/** The data of what was set aside, to be repaired; then all of its key is applied in order, or it is given up. */
export function EventEditor({ parked }: { parked: Parked }) {
  const { t } = useTranslation();
  const { message, modal } = App.useApp();
  const known = useQueryClient();
  const given = JSON.stringify(parked.event.data ?? {}, null, 2);
  const [text, setText] = useState(given);
  const data = objectOf(text);
  const path = { service: parked.service, identity: String(parked.identity) };
  const act = useMutation({
    mutationFn: async (deed: "save" | "replay" | "discard") => {
      if (deed === "discard")
        await post("/api/v1/admin/parked-events/{service}/{identity}:discard", { path });
      else if (text !== given)
        await patch("/api/v1/admin/parked-events/{service}/{identity}", { path, body: { data } });
      if (deed === "replay") {
        await post("/api/v1/admin/parked-events/{service}:replay", {
          path: { service: parked.service },
          body: { source: parked.source, ordering_key: parked.ordering_key },
        });
      }
      return deed;
    },
    onSuccess: (deed) => message.success(t(`parked-events.done.${deed}`)),
    onSettled: () => known.invalidateQueries({ queryKey: PARKED }),
  });
  return (
    <Flex vertical gap={8} style={{ padding: "0 12px 12px" }}>
      {act.error && <Alert type="error" showIcon title={told(act.error, t("page.failed"))} />}
      <Input.TextArea
        aria-label={t("parked-events.data")}
        value={text}
        onChange={({ target }) => setText(target.value)}
        spellCheck={false}
        autoSize={{ minRows: 6, maxRows: 24 }}
        status={data === null ? "error" : ""}
        style={{ fontFamily: "ui-monospace, monospace", fontSize: 13 }}
      />
      {data === null && <Alert type="warning" showIcon title={t("parked-events.malformed")} />}
      <Flex gap={8} wrap>
        <Button
          type="primary"
          disabled={data === null}
          loading={act.isPending && act.variables === "replay"}
          onClick={() => act.mutate("replay")}
        >
          {t(text === given ? "parked-events.replay" : "parked-events.saveAndReplay")}
        </Button>
        <Button
          disabled={data === null || text === given}
          loading={act.isPending && act.variables === "save"}
          onClick={() => act.mutate("save")}
        >
          {t("parked-events.save")}
        </Button>
        <Button
          danger
          onClick={() =>
            modal.confirm({
              title: t("parked-events.discardTitle"),
              content: t("parked-events.discardFollows"),
              okText: t("parked-events.discard"),
              okButtonProps: { danger: true },
              onOk: () => act.mutateAsync("discard").catch(() => undefined),
            })
          }
        >
          {t("parked-events.discard")}
        </Button>
      </Flex>
    </Flex>
  );
}

/** What a text says as a JSON object, or null. */
function objectOf(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && !Array.isArray(value)
      ? (value as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
