import { useTranslation } from "react-i18next";

/** The API's label in the language of the person who looks. */
export function useLabel(): (label: { zh: string; en: string }) => string {
  const { i18n } = useTranslation();
  return ({ zh, en }) => (i18n.language === "en" ? en : zh);
}
