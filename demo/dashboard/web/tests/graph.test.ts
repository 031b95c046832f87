import { describe, expect, it } from "vitest";
import { LARGE, layout, smooth } from "../src/graph/layout";
import { doings, thickness, tone } from "../src/graph/tone";

const box = (id: string) => ({ id, width: 100, height: 40 });
const link = (source: string, target: string) => ({ id: `${source}>${target}`, source, target });

describe("the layout of the graph", () => {
  const boxes = ["users", "ingress", "gateway", "title"].map(box);
  const links = [link("users", "ingress"), link("ingress", "gateway"), link("gateway", "title")];

  it("puts the called below the callers", () => {
    const below = layout(boxes, links);
    expect(below.boxes.get("title")!.y).toBeGreaterThan(below.boxes.get("gateway")!.y);
  });

  it("puts the called to the right of the callers on a large screen", () => {
    const beside = layout(boxes, links, LARGE);
    expect(beside.boxes.get("title")!.x).toBeGreaterThan(beside.boxes.get("gateway")!.x);
  });

  it("lets no two boxes overlap and keeps all within the frame", () => {
    const wide = layout([...boxes, box("order"), box("pricing")], [...links, link("gateway", "order"), link("gateway", "pricing"), link("order", "pricing")]);
    const all = [...wide.boxes.values()];
    for (const a of all) {
      expect(a.x - a.width / 2).toBeGreaterThanOrEqual(0);
      expect(a.x + a.width / 2).toBeLessThanOrEqual(wide.width);
      for (const b of all) {
        if (a !== b) expect(Math.abs(a.x - b.x) >= 100 || Math.abs(a.y - b.y) >= 40).toBe(true);
      }
    }
  });

  it("ignores a call to somebody who is no longer there", () => {
    expect(layout([box("a")], [link("a", "gone")]).links.size).toBe(0);
  });

  it("draws a curve through its bends to its end", () => {
    expect(smooth([{ x: 0, y: 0 }, { x: 5, y: 5 }])).toBe("M0.0,0.0L5.0,5.0");
    expect(smooth([{ x: 0, y: 0 }, { x: 5, y: 5 }, { x: 10, y: 0 }])).toBe("M0.0,0.0Q5.0,5.0 10.0,0.0");
  });
});

describe("how an edge fares", () => {
  it.each([
    [{ rate: 0, failed: 0 }, "idle"],
    [{ rate: 10, failed: 0 }, "good"],
    [{ rate: 10, failed: 1 }, "bad"],
    [{ rate: 10, failed: 0, mesh: { retried: 2 } }, "warning"],
  ] as const)("%o is %s", (edge, expected) => expect(tone(edge)).toBe(expected));

  it("says what the mesh does", () => {
    expect(doings({ ejected: 1, retried: 3.21, denied: 0 })).toBe("1 ejected, 3.2/s retried");
    expect(doings(undefined)).toBe("");
  });

  it("is thicker where more flows, within bounds", () => {
    expect(thickness(0)).toBeLessThan(thickness(10));
    expect(thickness(10)).toBeLessThan(thickness(100));
    expect(thickness(1e9)).toBe(5);
  });
});

describe("somebody whom nobody has called yet", () => {
  it("stands below the callers, without a line", () => {
    const placed = layout(["users", "ingress", "new"].map(box), [link("users", "ingress")]);
    expect(placed.boxes.get("new")!.y).toBeGreaterThan(placed.boxes.get("ingress")!.y);
    expect([...placed.links.keys()]).toEqual(["users>ingress"]);
  });
});
