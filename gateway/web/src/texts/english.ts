import enUS from "antd/locale/en_US";
import en from "./en.json";

type Texts = Record<string, unknown>;
const PAGES = import.meta.glob<Texts>("../pages/*/en.json", { eager: true, import: "default" });

/** English, loaded when it is asked for: our texts, those of each folder of pages, and Ant Design's own. */
export const ENGLISH: Texts = {
  ...en,
  ...Object.fromEntries(Object.entries(PAGES).map(([path, texts]) => [path.split("/")[2], texts])),
};
export const LOCALE = enUS;
