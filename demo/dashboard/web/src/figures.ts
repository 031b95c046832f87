/** The one figure that a chapter of the course shows large. Its page names it: `<!-- present: shape=… figure=failed -->`. */

import { milliseconds, perSecond, ratio } from "./format";
import type { Edge, Node } from "./model";

export interface Seen {
  nodes: Node[];
  edges: Edge[];
  users: Edge | undefined;
}

export interface Figure {
  label: string;
  read: (seen: Seen) => number;
  write: (value: number) => string;
  /** What lasts for a moment only stays at its highest until the next command begins. */
  fleeting: boolean;
}

const REFUSALS = ["limited", "overflowed", "denied"];
const percent = (value: number) => ratio(value, 100);
const count = (value: number) => String(value);

export const FIGURES: Readonly<Record<string, Figure>> = {
  services: { label: "workloads run", read: ({ nodes }) => nodes.length, write: count, fleeting: false },
  restarts: { label: "times a process was started again", read: ({ nodes }) => sum(nodes.flatMap((node) => node.versions.map((version) => version.restarts))), write: count, fleeting: false },
  failed: { label: "of the users' requests failed", read: ({ users }) => (users && users.rate > 0 ? Math.min(100, (100 * users.failed) / users.rate) : 0), write: percent, fleeting: true },
  refused: { label: "requests refused by the mesh", read: ({ edges }) => sum(edges.flatMap((edge) => REFUSALS.map((what) => edge.mesh?.[what] ?? 0))), write: perSecond, fleeting: true },
  canary: { label: "of the calls go to the new version", read: ({ nodes }) => Math.max(0, ...nodes.filter((node) => node.versions.length > 1).map((node) => node.versions.at(-1)?.share ?? 0)), write: percent, fleeting: true },
  latency: { label: "for 95 % of the users' requests", read: ({ users }) => users?.p95 ?? 0, write: milliseconds, fleeting: true },
};

function sum(values: number[]): number {
  return values.reduce((all, value) => all + value, 0);
}
