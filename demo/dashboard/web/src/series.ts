/** What was seen over time. */

import type { Point } from "./model";

export type Sample = [at: number, rate: number | null, failed: number | null, p95: number | null];

const PAUSE = 15; // seconds without a point: the system was not reached

/** With a hole wherever nothing is known, so that no line is drawn through it. */
export function broken(points: readonly Point[]): Sample[] {
  return points.flatMap((point, i): Sample[] => {
    const before = points[i - 1];
    return before && point[0] - before[0] > PAUSE ? [[before[0] + 1, null, null, null], point] : [point];
  });
}
