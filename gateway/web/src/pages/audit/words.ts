import i18n from "i18next";
import en from "./words.en.json";
import zh from "./words.zh.json";

/** The words for what the trail tells of: many, so they come with its page and not with the first one. */
export const WORDS = { "zh-CN": zh, en };
export const ROOM = "audit-words";

for (const [language, words] of Object.entries(WORDS)) {
  i18n.addResourceBundle(language, "translation", { [ROOM]: words }, true);
}
