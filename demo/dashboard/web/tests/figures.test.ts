import { describe, expect, it } from "vitest";
import { FIGURES } from "../src/figures";
import type { Edge, Node } from "../src/model";

const PAGES = import.meta.glob<string>("../../../../docs/course/[0-9]*.md", { query: "?raw", import: "default", eager: true });

const node = (name: string, ...shares: number[]): Node => ({
  name,
  rate: 1,
  mesh: {},
  versions: shares.map((share, i) => ({ version: `v${i + 1}`, replicas: 1, ready: 1, restarts: i, rate: 1, share })),
});
const edge = (rate: number, failed: number, mesh: Record<string, number> = {}): Edge => ({ source: "users", target: "ingress", rate, failed, p50: 1, p95: 12.34, mtls: false, mirror: false, versions: {}, mesh });
const seen = { nodes: [node("title", 100), node("pricing", 91, 9)], edges: [edge(40, 10, { limited: 3, retried: 5 })], users: edge(40, 10) };
const nothing = { nodes: [], edges: [], users: undefined };
const written = (name: string, what: typeof seen | typeof nothing) => FIGURES[name]!.write(FIGURES[name]!.read(what));

describe("the figure of a chapter", () => {
  it("is known for every chapter of the course", () => {
    const named = Object.values(PAGES).map((page) => /^<!-- present: shape=\S+ figure=(\S+) -->$/m.exec(page)?.[1]);
    expect(named.length).toBe(14);
    for (const name of named) expect(Object.keys(FIGURES)).toContain(name);
  });

  it.each([
    ["services", "2", "0"],
    ["restarts", "1", "0"],
    ["failed", "25 %", "0 %"],
    ["refused", "3.0/s", "0/s"],
    ["canary", "9 %", "0 %"],
    ["latency", "12 ms", "0 ms"],
  ])("%s is read from what is seen, and is nothing where nothing is", (name, some, none) => {
    expect(written(name, seen)).toBe(some);
    expect(written(name, nothing)).toBe(none);
  });
});
