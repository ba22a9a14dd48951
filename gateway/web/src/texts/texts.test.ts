import { describe, expect, it } from "vitest";
import en from "./en.json";
import zh from "./zh.json";

const CHINESE = import.meta.glob<object>("../pages/*/zh.json", { eager: true, import: "default" });
const ENGLISH = import.meta.glob<object>("../pages/*/en.json", { eager: true, import: "default" });

function keys(texts: object, before = ""): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [before + key] : keys(value, `${before}${key}.`),
  );
}

describe("texts", () => {
  it("has every text of everybody in both languages", () => {
    expect(keys(en).sort()).toEqual(keys(zh).sort());
  });

  it.each(Object.keys(CHINESE))("has every text of %s in English as well", (path) => {
    const english = ENGLISH[path.replace("zh.json", "en.json")] ?? {};
    expect(keys(english).sort()).toEqual(keys(CHINESE[path] ?? {}).sort());
  });
});
