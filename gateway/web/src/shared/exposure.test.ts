import { describe, expect, it } from "vitest";
import { partsOf } from "./exposure";

describe("the stages of exposure", () => {
  it("takes what is overdue out of the receivables, exactly", () => {
    const exposure = { reserved: "10.10", delivered: "0", receivable: "100.20", total: "110.30" };
    const parts = partsOf({ exposure, overdue: "40.20" }).map(({ stage, value }) => [
      stage,
      value.toFixed(2),
    ]);
    expect(parts).toEqual([
      ["reserved", "10.10"],
      ["receivable", "60.00"],
      ["overdue", "40.20"],
    ]);
  });

  it("never shows more overdue than is receivable", () => {
    const parts = partsOf({ exposure: { total: "30" }, overdue: "50" });
    expect(parts.map(({ stage, value }) => [stage, value.toFixed(2)])).toEqual([["overdue", "30.00"]]);
  });
});
