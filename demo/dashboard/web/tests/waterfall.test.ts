import { describe, expect, it } from "vitest";
import type { Span } from "../src/model";
import { inOrder, requestOf, waterfall } from "../src/waterfall";

function span(id: string, parent: string, start: number, end: number, attributes: Record<string, string> = {}): Span {
  return { trace_id: "t", span_id: id, parent_id: parent, service: "order", version: "v1", name: id, kind: "server", start, end, status: "unset", attributes };
}

describe("a waterfall", () => {
  it("puts each span behind its parent, the earlier before the later", () => {
    const rows = inOrder([span("c", "a", 3, 4), span("b", "a", 1, 2), span("a", "", 0, 5), span("d", "b", 1, 2)]);
    expect(rows.map((row) => [row.span.span_id, row.depth])).toEqual([
      ["a", 0],
      ["b", 1],
      ["d", 2],
      ["c", 1],
    ]);
  });

  it("shows a span whose parent never came", () => {
    expect(inOrder([span("b", "lost", 0, 1)]).map((row) => row.depth)).toEqual([0]);
  });

  it("places spans by their share of the time", () => {
    const { rows, seconds } = waterfall([span("a", "", 10, 10.02), span("b", "a", 10.005, 10.015)]);
    expect(seconds).toBeCloseTo(0.02);
    expect(rows[1]!.left).toBeCloseTo(25);
    expect(rows[1]!.width).toBeCloseTo(50);
  });

  it("leaves out the time in which nothing happened, and says how long it was", () => {
    const { gaps, rows, busy } = waterfall([span("a", "", 0, 0.01), span("b", "a", 0.31, 0.32)]);
    expect(gaps.map((gap) => gap.seconds)).toEqual([expect.closeTo(0.3)]);
    expect(busy).toBeCloseTo(0.02);
    expect(rows[1]!.left).toBeCloseTo(51.25);
  });

  it("has nothing to show of nothing", () => {
    expect(waterfall([]).rows).toEqual([]);
  });

  it("calls a request what the user asked for", () => {
    const attributes = { "http.method": "POST", "http.url": "http://127.0.0.1:8080/api/orders" };
    expect(requestOf(span("x", "", 0, 1, attributes))).toBe("POST /api/orders");
    expect(requestOf(span("SELECT", "", 0, 1))).toBe("SELECT");
  });
});
