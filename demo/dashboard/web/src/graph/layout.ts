/** Where everything stands: computed anew only when something comes or goes. */

import { Graph, layout as arrange } from "@dagrejs/dagre";

export interface Box {
  id: string;
  width: number;
  height: number;
}

export interface Link {
  id: string;
  source: string;
  target: string;
}

export interface Spot {
  x: number;
  y: number;
}

export interface Layout {
  width: number;
  height: number;
  boxes: Map<string, Spot & Box>;
  links: Map<string, { path: string; label: Spot }>;
}

/** How far things stand apart: beside others on a page, or large and alone on a screen. */
export const PAGE = { rankdir: "TB", nodesep: 34, ranksep: 26, edgesep: 16, label: { width: 92, height: 30 } } as const;
export const LARGE = { rankdir: "LR", nodesep: 16, ranksep: 12, edgesep: 6, label: { width: 86, height: 28 } } as const;
export type Spacing = typeof PAGE | typeof LARGE;

const MARGIN = 10;
const HIDDEN = "hidden ";
const UNCALLED = 4; // ranks below the first

export function layout(boxes: Box[], links: Link[], { label, ...spacing }: Spacing = PAGE): Layout {
  const graph = new Graph({ multigraph: true });
  graph.setGraph({
    ...spacing,
    marginx: MARGIN,
    marginy: MARGIN,
  });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { id, width, height } of boxes) graph.setNode(id, { width, height });
  const known = new Set(boxes.map((box) => box.id));
  for (const { id, source, target } of links) {
    if (known.has(source) && known.has(target)) graph.setEdge(source, target, { ...label, labelpos: "c" }, id);
  }
  // Whom nobody has called yet stands below, not beside the users.
  const linked = new Set(links.flatMap(({ source, target }) => [source, target]));
  const top = boxes.find((box) => linked.has(box.id));
  for (const { id } of boxes) {
    if (top && !linked.has(id)) graph.setEdge(top.id, id, { minlen: UNCALLED, weight: 0 }, HIDDEN + id);
  }
  arrange(graph);
  const size = graph.graph() as { width?: number; height?: number };
  return {
    width: Math.ceil(size.width ?? 0),
    height: Math.ceil(size.height ?? 0),
    boxes: new Map(
      boxes.map((box) => {
        const { x, y } = graph.node(box.id) as Spot;
        return [box.id, { ...box, x, y }];
      }),
    ),
    links: new Map(
      graph.edges().filter((edge) => !edge.name?.startsWith(HIDDEN)).map((edge) => {
        const { points, x, y } = graph.edge(edge) as { points: Spot[] } & Spot;
        return [edge.name ?? "", { path: smooth(points), label: { x, y } }];
      }),
    ),
  };
}

/** A curve that begins at the first point, bends towards those between, and ends at the last. */
export function smooth(points: Spot[]): string {
  const [first, ...rest] = points;
  const last = rest.at(-1);
  if (!first || !last) return "";
  let path = `M${spot(first)}`;
  for (let i = 0; i < rest.length - 1; i++) {
    const [bend, next] = [rest[i]!, rest[i + 1]!];
    const end = i === rest.length - 2 ? next : { x: (bend.x + next.x) / 2, y: (bend.y + next.y) / 2 };
    path += `Q${spot(bend)} ${spot(end)}`;
  }
  return rest.length === 1 ? `${path}L${spot(last)}` : path;
}

function spot({ x, y }: Spot): string {
  return `${x.toFixed(1)},${y.toFixed(1)}`;
}
