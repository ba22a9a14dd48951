import i18n from "i18next";

type Texts = Record<string, unknown>;
const FOUND = import.meta.glob<Texts>("../pages/*/zh.json", { eager: true, import: "default" });

/** The Chinese texts of all pages, below the names of their folders: whoever is not signed in needs none of them. */
const texts = Object.fromEntries(Object.entries(FOUND).map(([path, own]) => [path.split("/")[2], own]));
i18n.addResourceBundle("zh-CN", "translation", texts, true);
