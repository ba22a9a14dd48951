import i18n from "i18next";
import { initReactI18next } from "react-i18next";
import en from "./en.json";
import zh from "./zh.json";

const KEY = "credit.language";
type Texts = Record<string, unknown>;

const CHINESE = import.meta.glob<Texts>("../pages/*/zh.json", { eager: true, import: "default" });
const ENGLISH = import.meta.glob<Texts>("../pages/*/en.json", { eager: true, import: "default" });

/** The texts of everybody, and below the name of each folder of pages those of its own. */
function all(common: Texts, ofPages: Record<string, Texts>): Texts {
  const own = Object.entries(ofPages).map(([path, texts]) => [path.split("/")[2], texts]);
  return { ...common, ...Object.fromEntries(own) };
}

export const TEXTS = { "zh-CN": all(zh, CHINESE), en: all(en, ENGLISH) };

function kept(): string {
  const language = localStorage.getItem(KEY);
  return language === "en" ? "en" : "zh-CN";
}

document.documentElement.lang = kept();
i18n.use(initReactI18next).init({
  resources: { "zh-CN": { translation: TEXTS["zh-CN"] }, en: { translation: TEXTS.en } },
  lng: kept(),
  fallbackLng: "zh-CN",
  interpolation: { escapeValue: false },
});

export function switchLanguage(): void {
  const next = i18n.language === "en" ? "zh-CN" : "en";
  localStorage.setItem(KEY, next);
  document.documentElement.lang = next;
  i18n.changeLanguage(next);
}
