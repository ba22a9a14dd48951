import { SearchOutlined } from "@ant-design/icons";
import { useQuery } from "@tanstack/react-query";
import { Button, Empty, Flex, Input, Modal, Typography } from "antd";
import { useEffect, useState } from "react";
import { useTranslation } from "react-i18next";
import { Link, useNavigate } from "react-router";
import { get } from "../api/client";
import { useMay } from "../api/me";
import { QUIET } from "../shared/icons";

interface Found {
  id: string;
  code: string;
  name: string;
}

const SHOWN_MAX = 8;

/** Search over customers, by Ctrl+K from everywhere. */
export function Search({ wide }: { wide: boolean }) {
  const { t } = useTranslation();
  const may = useMay("customers.read");
  const [open, setOpen] = useState(false);
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (event.key.toLowerCase() !== "k" || !(event.ctrlKey || event.metaKey)) return;
      event.preventDefault();
      setOpen(true);
    };
    window.addEventListener("keydown", listen);
    return () => window.removeEventListener("keydown", listen);
  }, []);
  if (!may) return null;
  return (
    <>
      <Button
        type={wide ? "default" : "text"}
        icon={<SearchOutlined {...QUIET} />}
        {...(wide ? {} : { "aria-label": t("search.label") })}
        onClick={() => setOpen(true)}
        style={wide ? { width: 260, justifyContent: "start" } : {}}
      >
        {wide ? t("search.hint") : null}
      </Button>
      <Modal
        open={open}
        onCancel={() => setOpen(false)}
        footer={null}
        closable={false}
        destroyOnHidden
        title={t("search.label")}
        style={{ top: 80 }}
      >
        <Results close={() => setOpen(false)} />
      </Modal>
    </>
  );
}

function Results({ close }: { close: () => void }) {
  const { t } = useTranslation();
  const go = useNavigate();
  const [text, setText] = useState("");
  const asked = text.trim();
  const found = useQuery({
    queryKey: ["search", asked],
    queryFn: () =>
      get<{ items: Found[] }>("/api/v1/customers", { query: { q: asked, "page[size]": SHOWN_MAX } }),
    enabled: asked !== "",
  });
  const items = asked === "" ? [] : (found.data?.items ?? []);
  const visit = (id: string) => {
    close();
    go(`/customers/${id}`);
  };
  return (
    <Flex vertical gap={8}>
      <Input
        autoFocus
        allowClear
        size="large"
        prefix={<SearchOutlined {...QUIET} />}
        placeholder={t("search.hint")}
        aria-label={t("search.label")}
        value={text}
        onChange={(event) => setText(event.target.value)}
        onPressEnter={() => items[0] && visit(items[0].id)}
      />
      {items.map((each) => (
        <Link key={each.id} to={`/customers/${each.id}`} onClick={close} style={{ padding: "6px 4px" }}>
          {each.name} <Typography.Text type="secondary">{each.code}</Typography.Text>
        </Link>
      ))}
      {asked !== "" && found.data && items.length === 0 && (
        <Empty image={Empty.PRESENTED_IMAGE_SIMPLE} description={t("search.none", { text: asked })} />
      )}
    </Flex>
  );
}
