import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Alert, App, Button, Flex, Input, Typography } from "antd";
import { useState } from "react";
import { useTranslation } from "react-i18next";
import { put } from "../../api/client";
import { told } from "../../api/problem";
import { useUnsaved } from "../../shared/useUnsaved";
import {
  ADMIN,
  type Catalogue,
  changesBetween,
  type Draft,
  draftOf,
  type Resource,
  type Role,
  toBody,
} from "./draft";
import { FieldForm } from "./FieldForm";
import { Matrix } from "./Matrix";
import { ScopeForm } from "./ScopeForm";

/** One role: its matrix is changed as a draft, and saved at once. */
export function RoleEditor({ role, catalogue }: { role: Role; catalogue: Catalogue }) {
  const { t } = useTranslation();
  const { message } = App.useApp();
  const known = useQueryClient();
  const unsaved = useUnsaved();
  const [draft, setDraft] = useState<Draft>(() => draftOf(role));
  const [open, setOpen] = useState<{ form: "scope" | "fields"; resource: Resource } | null>(null);
  const fixed = role.key === ADMIN;
  const changes = changesBetween(draftOf(role), draft);
  const change = (next: Draft) => {
    setDraft(next);
    if (changesBetween(draftOf(role), next) > 0) unsaved.mark();
    else unsaved.clear();
  };
  const save = useMutation({
    mutationFn: () =>
      put<Role>("/api/v1/roles/{key}", {
        path: { key: role.key },
        body: { ...toBody(draft), version: role.version },
      }),
    onSuccess: async () => {
      unsaved.clear();
      await known.invalidateQueries({ queryKey: ["roles"] });
      message.success(t("roles.saved"));
    },
  });
  return (
    <Flex vertical gap={12}>
      {fixed && <Alert type="info" showIcon title={t("roles.adminIsFixed")} />}
      {save.error && <Alert type="error" showIcon title={told(save.error, t("page.failed"))} />}
      <Flex gap={8} align="center" wrap>
        <Input
          aria-label={t("roles.label")}
          value={draft.label}
          disabled={fixed}
          maxLength={100}
          onChange={({ target }) => change({ ...draft, label: target.value })}
          style={{ width: 200 }}
        />
        <Typography.Text type="secondary" style={{ flex: 1 }}>
          {t("roles.counts", { rights: Object.keys(draft.reach).length, all: catalogue.items.length })}
        </Typography.Text>
        {changes > 0 && (
          <>
            <Typography.Text>{t("roles.changes", { count: changes })}</Typography.Text>
            <Button onClick={() => change(draftOf(role))}>{t("roles.undo")}</Button>
          </>
        )}
        {!fixed && (
          <Button
            type="primary"
            disabled={changes === 0 || draft.label.trim() === ""}
            loading={save.isPending}
            onClick={() => save.mutate()}
          >
            {t("roles.save")}
          </Button>
        )}
      </Flex>
      <Matrix
        catalogue={catalogue}
        draft={draft}
        fixed={fixed}
        change={change}
        openScope={(resource) => setOpen({ form: "scope", resource })}
        openFields={(resource) => setOpen({ form: "fields", resource })}
      />
      {open?.form === "scope" && (
        <ScopeForm
          resource={open.resource}
          catalogue={catalogue}
          draft={draft}
          close={() => setOpen(null)}
          take={(next) => {
            change(next);
            setOpen(null);
          }}
        />
      )}
      {open?.form === "fields" && (
        <FieldForm
          resource={open.resource}
          masks={catalogue.masks}
          rights={draft.fields[open.resource.key] ?? {}}
          close={() => setOpen(null)}
          take={(rights) => {
            const { [open.resource.key]: _before, ...others } = draft.fields;
            const some = Object.keys(rights).length > 0;
            change({ ...draft, fields: some ? { ...others, [open.resource.key]: rights } : others });
            setOpen(null);
          }}
        />
      )}
    </Flex>
  );
}
