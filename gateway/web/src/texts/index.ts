import type { Locale } from "antd/es/locale";
import zhCN from "antd/locale/zh_CN";
import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import door from "../pages/sign-in/zh.json";
import zh from "./zh.json";

const KEY = "credit.language";

/** Ant Design's own texts, in the language in which the application stands. */
export const locales: Record<string, Locale> = { "zh-CN": zhCN };

i18n.use(initReactI18next).init({
  resources: { "zh-CN": { translation: { ...zh, "sign-in": door } } },
  lng: "zh-CN",
  fallbackLng: "zh-CN",
  interpolation: { escapeValue: false },
});

async function use(language: string): Promise<void> {
  if (language === "en" && locales.en === undefined) {
    const { ENGLISH, LOCALE } = await import("./english");
    i18n.addResourceBundle("en", "translation", ENGLISH);
    locales.en = LOCALE;
  }
  document.documentElement.lang = language;
  await i18n.changeLanguage(language);
}

/** The language that was chosen at this browser: Chinese until another is. */
export const chosen: Promise<void> = use(localStorage.getItem(KEY) === "en" ? "en" : "zh-CN");

export async function switchLanguage(): Promise<void> {
  const next = i18n.language === "en" ? "zh-CN" : "en";
  localStorage.setItem(KEY, next);
  await use(next);
}
