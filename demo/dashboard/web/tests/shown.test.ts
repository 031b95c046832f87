import { describe, expect, it } from "vitest";
import { applied, under } from "../src/shown";

describe("what is shown", () => {
  it("takes what a patch sets, forgets what it says is gone, and leaves the rest", () => {
    expect(applied({ a: 1, b: 2, c: 3 }, { set: { b: 4, d: 5 }, gone: ["c"] })).toEqual({ a: 1, b: 4, d: 5 });
  });

  it("does not change what was shown before", () => {
    const before = { a: 1 };
    applied(before, { set: { a: 2 } });
    expect(before).toEqual({ a: 1 });
  });

  it("finds the values under a prefix in the order of their keys", () => {
    expect(under({ "node/b": 2, "edge/x": 9, "node/a": 1 }, "node/")).toEqual([1, 2]);
  });
});
