import { describe, expect, it } from "vitest";
import { read } from "../src/logline";

describe("a line of a log", () => {
  it("is taken apart where it is JSON", () => {
    const line = '{"at": "2026-11-25T01:02:03.456789Z", "level": "INFO", "message": "placed", "trace_id": "abc", "order": "o-1", "empty": null}';
    expect(read(line)).toEqual({ at: "01:02:03.456", level: "info", text: "placed", trace: "abc", rest: [["order", "o-1"]] });
  });

  it("stands as it is where it is not, with the level that it names", () => {
    expect(read("[2026] [warning] cluster {gone")).toMatchObject({ text: "[2026] [warning] cluster {gone", level: "warning" });
    expect(read("plain").level).toBe("");
  });
});
