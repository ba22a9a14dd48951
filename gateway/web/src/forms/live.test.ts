import { describe, expect, it } from "vitest";
import type { FormField } from "./definition";
import { liveOf } from "./live";

const label = { zh: "栏" };
const fields: FormField[] = [
  { key: "price", type: "money", label },
  { key: "count", type: "number", label },
  { key: "total", type: "formula", label, formula: "price * count" },
  { key: "taxed", type: "formula", label, formula: "total * 1.13" },
  { key: "reason", type: "text", label, visible_when: "total > 1000", required_when: "total > 5000" },
];
const WORLD = { now: "2026-03-01T00:00:00Z", zone: "Asia/Shanghai" };

describe("a form while it is filled in", () => {
  it("computes formulas over formulas exactly", () => {
    const { computed } = liveOf(fields, { price: "0.1", count: "3" }, WORLD);
    expect(computed).toMatchObject({ total: "0.3", taxed: "0.339" });
  });

  it("shows and asks for what the values ask for", () => {
    expect(liveOf(fields, { price: "10", count: "3" }, WORLD).states.reason).toEqual({
      visible: false,
      required: false,
    });
    expect(liveOf(fields, { price: "1000", count: "6" }, WORLD).states.reason).toEqual({
      visible: true,
      required: true,
    });
  });

  it("leaves open what cannot be known yet", () => {
    const { computed } = liveOf(fields, {}, WORLD);
    expect(computed.total).toBeNull();
  });
});
