import { describe, expect, it } from "vitest";
import { amount, chartNumber, instant } from "./formats";

describe("formats", () => {
  it("groups thousands exactly, beyond what a float can hold", () => {
    expect(amount("12345678901234567890.1")).toBe("12,345,678,901,234,567,890.10");
    expect(amount("-1234.50")).toBe("-1,234.50");
    expect(amount("999")).toBe("999.00");
    expect(amount(null)).toBe("—");
  });

  it("writes chart numbers in 万 and 亿", () => {
    expect(chartNumber(12_300_000, "zh-CN")).toBe("1,230万");
    expect(chartNumber(250_000_000, "zh-CN")).toBe("2.5亿");
    expect(chartNumber(9_999, "zh-CN")).toBe("9,999");
    expect(chartNumber(-30_000, "zh-CN")).toBe("-3万");
    expect(chartNumber(12_300_000, "en")).toBe("12.3M");
  });

  it("tells instants on the company's clock", () => {
    expect(instant("2026-03-01T20:30:00Z")).toBe("2026-03-02 04:30");
  });
});
