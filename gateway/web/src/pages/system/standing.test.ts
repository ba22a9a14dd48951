import { describe, expect, it } from "vitest";
import { type Position, streamsOf } from "./standing";

const position = (source: string, sequence: number, state: Position["state"] = "running"): Position => ({
  source,
  sequence,
  state,
  problem: null,
  updated_at: "2026-03-01T00:00:00Z",
  parked: 0,
});
const service = (name: string, head: number, positions: Position[] = []) => ({
  service: name,
  head,
  published: head,
  commands: 0,
  positions,
});

describe("the streams", () => {
  it("shows what stands still first, then what is furthest behind", () => {
    const streams = streamsOf({
      services: [
        service("limits", 10),
        service("customer", 4, [position("limits", 10)]),
        service("reporting", 0, [position("limits", 7), position("customer", 4, "stopped")]),
      ],
      away: {},
    });
    expect(streams.map(({ reader, source, behind }) => [reader, source, behind])).toEqual([
      ["reporting", "customer", 0],
      ["reporting", "limits", 3],
      ["customer", "limits", 0],
    ]);
  });

  it("claims nothing about a source that is away", () => {
    const streams = streamsOf({
      services: [service("customer", 0, [position("limits", 7)])],
      away: { limits: "…" },
    });
    expect(streams[0]?.behind).toBe(0);
  });
});
