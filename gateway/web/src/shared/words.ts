import type { TFunction } from "i18next";

/** The word for a code of the API; a code that has none stands for itself. */
function word(t: TFunction, room: string, code: string): string {
  return t(`${room}.${code}`, { defaultValue: code });
}

export const roleName = (t: TFunction, role: string) => word(t, "role", role);
export const termWord = (t: TFunction, days: number | null | undefined) =>
  days === null || days === undefined ? "—" : t("term.net", { days });
