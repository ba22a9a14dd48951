import { describe, expect, it } from "vitest";
import { instants, told } from "./lines";
import en from "./words.en.json";
import zh from "./words.zh.json";

describe("the audit trail", () => {
  it("asks for whole days on the company's clock", () => {
    expect(instants("2026-03-01", "2026-03-01", "Asia/Shanghai")).toEqual({
      from: "2026-02-28T16:00:00.000Z",
      to: "2026-03-01T16:00:00.000Z",
    });
    expect(instants(undefined, undefined, "Asia/Shanghai")).toEqual({});
  });

  it("has every word in both languages", () => {
    expect(Object.keys(en.action).sort()).toEqual(Object.keys(zh.action).sort());
    expect(Object.keys(en.field).sort()).toEqual(Object.keys(zh.field).sort());
  });

  it("leaves out what only the machine counts by", () => {
    const changes = ["customer.name", "customer.version", "id"].map((field) => ({
      field,
      before: 1,
      after: 2,
    }));
    expect(told(changes).map(({ field }) => field)).toEqual(["customer.name"]);
  });
});
