/** How an edge or a node fares, for its colour and for those who do not see it. */

import type { Edge } from "../model";

export type Tone = "idle" | "good" | "warning" | "bad";

const TELLING = 0.005; // of the requests

export function tone(edge: Pick<Edge, "rate" | "failed" | "mesh">): Tone {
  if (edge.rate <= 0.05 && edge.failed <= 0) return "idle";
  if (edge.failed > edge.rate * TELLING) return "bad";
  return Object.values(edge.mesh ?? {}).some((value) => value > 0) ? "warning" : "good";
}

/** What the mesh does, in words: "3 ejected, 4.1/s retried". */
export function doings(mesh: Record<string, number> | undefined): string {
  return Object.entries(mesh ?? {})
    .filter(([, value]) => value > 0)
    .map(([what, value]) => (what === "ejected" ? `${value} ejected` : `${value < 9.95 ? value.toFixed(1) : Math.round(value)}/s ${what}`))
    .join(", ");
}

/** Thicker where more flows, by orders of magnitude: 1/s to 1,000/s. */
export function thickness(rate: number): number {
  return rate <= 0.05 ? 1.25 : Math.min(5, 1.5 + Math.max(0, Math.log10(rate)) * 1.1);
}
