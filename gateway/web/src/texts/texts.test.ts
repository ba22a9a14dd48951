import { expect, it } from "vitest";
import en from "./en.json";
import zh from "./zh.json";

function keys(texts: object, before = ""): string[] {
  return Object.entries(texts).flatMap(([key, value]) =>
    typeof value === "string" ? [before + key] : keys(value, `${before}${key}.`),
  );
}

it("has every text in both languages", () => {
  expect(keys(en).sort()).toEqual(keys(zh).sort());
});
