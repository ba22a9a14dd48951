import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";
import zh from "./zh.json";

const KEY = "credit.language";

i18n.use(initReactI18next).init({
  resources: { "zh-CN": { translation: zh }, en: { translation: en } },
  lng: localStorage.getItem(KEY) ?? "zh-CN",
  fallbackLng: "zh-CN",
  interpolation: { escapeValue: false },
});

export function switchLanguage(): void {
  const next = i18n.language === "en" ? "zh-CN" : "en";
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  i18n.changeLanguage(next);
}
