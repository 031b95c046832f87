import { useMemo } from "preact/hooks";
import { milliseconds, perSecond, ratio } from "../format";
import type { Edge, Node, Route } from "../model";
import { href } from "../route";
import { edges, nodes, routes } from "../store";
import { type Layout, PAGE, LARGE, layout } from "./layout";
import { doings, thickness, tone } from "./tone";

const NAMES: Record<string, string> = { users: "users", ingress: "ingress gateway", nats: "NATS JetStream" };
const DATABASES = new Set(["monolith", "title", "currency", "pricing", "order", "customer"]);

export interface Drawn {
  id: string;
  name: string;
  node: Node | undefined;
  width: number;
  height: number;
}

export function drawn(all: Node[], between: Edge[], large = false): Drawn[] {
  const names = [...new Set(["users", "ingress", ...all.map((node) => node.name)])];
  const queue = between.some((edge) => edge.target === "order") ? ["nats"] : [];
  return [...names, ...queue].map((id) => {
    const node = all.find((one) => one.name === id);
    const versions = node?.versions.length ?? 0;
    if (large) return { id, name: id, node, width: versions > 1 ? 150 : 128, height: versions > 1 ? 44 + 26 * versions : 44 };
    return { id, name: NAMES[id] ?? id, node, width: node ? 158 : 128, height: node ? 30 + 20 * versions : 34 };
  });
}

/** `large` is for an audience: from left to right, and each edge and node with its one figure that matters. */
export function Graph({ selected = "", large = false }: { selected?: string; large?: boolean }) {
  const boxes = drawn(nodes.value, edges.value, large);
  const links = edges.value.map((edge) => ({ id: keyOf(edge), source: edge.source, target: edge.target }));
  if (boxes.some((box) => box.id === "nats")) links.push({ id: "order>nats", source: "order", target: "nats" });
  const structure = JSON.stringify([boxes.map(({ id, width, height }) => [id, width, height]), links.map(({ id }) => id)]);
  const placed = useMemo(() => layout(boxes, links, large ? LARGE : PAGE), [structure, large]);
  return (
    <div class={large ? "graph large" : "graph"}>
      <svg viewBox={`0 0 ${placed.width} ${placed.height}`} style={{ maxWidth: `${placed.width * 1.15}px` }} role="group" aria-label="The system as it is now: who calls whom">
        {links.map((link) => (
          <Line key={link.id} placed={placed} id={link.id} edge={edges.value.find((edge) => keyOf(edge) === link.id)} large={large} />
        ))}
        {boxes.map((box) => (
          <Box key={box.id} placed={placed} box={box} chosen={box.id === selected} shares={routes.value} large={large} />
        ))}
      </svg>
    </div>
  );
}

export function keyOf(edge: Edge): string {
  return `${edge.source}>${edge.target}${edge.mirror ? "~" : ""}`;
}

/** "gateway to pricing: 12/s, 0 % failed, 95 % within 8 ms, mutual TLS": the same for eyes and for screen readers. */
export function described(edge: Edge): string {
  const parts = [
    perSecond(edge.rate),
    `${ratio(edge.failed, edge.rate)} failed`,
    ...(edge.p95 === null ? [] : [`95 % within ${milliseconds(edge.p95)}`]),
    ...(edge.mtls ? ["mutual TLS"] : []),
    ...(edge.mirror ? ["copies only"] : []),
    doings(edge.mesh),
  ];
  return `${edge.source} to ${edge.target}: ${parts.filter(Boolean).join(", ")}`;
}

function Line({ placed, id, edge, large }: { placed: Layout; id: string; edge: Edge | undefined; large: boolean }) {
  const at = placed.links.get(id);
  if (!at) return null;
  if (!edge) return <path class="edge events" d={at.path} />;
  const { x, y } = at.label;
  const fares = tone(edge);
  const wrong = [...(edge.failed > 0 ? [`${ratio(edge.failed, edge.rate)} failed`] : []), doings(edge.mesh)].filter(Boolean).join(", ");
  const second = wrong || (edge.p95 === null ? "" : `p95 ${milliseconds(edge.p95)}`);
  return (
    <g class={`edge ${fares} ${edge.mirror ? "mirror" : ""}`} role="img" aria-label={described(edge)}>
      <title>{described(edge)}</title>
      <path d={at.path} style={{ strokeWidth: thickness(edge.rate) }} />
      {edge.rate > 0.05 && <path class="flow" d={at.path} style={{ strokeWidth: thickness(edge.rate) }} />}
      {fares !== "idle" && large && (
        <text x={x} y={y + 7}>
          {edge.failed > 0 ? `${ratio(edge.failed, edge.rate)} fail` : perSecond(edge.rate)}
        </text>
      )}
      {fares !== "idle" && !large && <Figures x={x} y={y} edge={edge} second={second} />}
    </g>
  );
}

function Figures({ x, y, edge, second }: { x: number; y: number; edge: Edge; second: string }) {
  return (
    <>
      <text x={x} y={y - 2}>
        {edge.mtls ? "\u00a0\u00a0\u00a0" : ""}
        {edge.mirror ? `copy ${perSecond(edge.rate)}` : perSecond(edge.rate)}
      </text>
      {edge.mtls && <Lock x={x - 5.2 - 3.1 * (edge.mirror ? perSecond(edge.rate).length + 5 : perSecond(edge.rate).length)} y={y - 11} />}
      <text class="second" x={x} y={y + 11}>
        {second}
      </text>
    </>
  );
}

function Lock({ x, y }: { x: number; y: number }) {
  return <path class="lock" transform={`translate(${x} ${y})`} d="M1 4.500h7v5.500H1zM2.500 4.500V3a2 2 0 0 1 4 0v1.500" />;
}

function Box({ placed, box, chosen, shares, large }: { placed: Layout; box: Drawn; chosen: boolean; shares: Route[]; large: boolean }) {
  const at = placed.boxes.get(box.id);
  if (!at) return null;
  const [left, top] = [at.x - at.width / 2, at.y - at.height / 2];
  const { node } = box;
  const declared = (version: string) => shares.find((route) => route.target === box.id && route.version === version && !route.mirror);
  const failing = node?.versions.some((version) => version.ready < version.replicas);
  const special = doings(node?.mesh);
  if (large) return <LargeBox left={left} top={top} box={box} failing={failing ?? false} />;
  return (
    <a class={`node ${node ? "" : "outer"} ${failing ? "failing" : ""} ${chosen ? "chosen" : ""}`} href={href("system", box.id)}>
      <rect x={left} y={top} width={at.width} height={at.height} rx={node ? 9 : at.height / 2} />
      <text class="name" x={node ? left + 12 : at.x} y={node ? top + 20 : at.y + 4.5} text-anchor={node ? "start" : "middle"}>
        {box.name}
      </text>{" "}
      {DATABASES.has(box.id) && node && <Cylinder x={left + at.width - 24} y={top + 8} />}
      {node?.versions.map((version, i) => {
        const y = top + 38 + 20 * i;
        const several = node.versions.length > 1;
        const route = several ? declared(version.version) : undefined;
        return (
          <g class="version" key={version.version}>
            {several && <rect class="bar" x={left + 12} y={y + 1} width={((at.width - 24) * version.share) / 100} height={3} rx={1.5} />}
            <text x={left + 12} y={y - 3}>
              {version.version}
              {version.replicas > 1 || version.ready < version.replicas ? ` · ${version.ready}/${version.replicas}` : ""}
              {several ? ` · ${version.share} %` : ""}
              {route ? ` of ${route.percent} %` : ""}
            </text>{" "}
            <text class="rate" x={left + at.width - 12} y={y - 3} text-anchor="end">
              {perSecond(version.rate)}
            </text>
          </g>
        );
      })}
      {special && (
        <text class="special" x={at.x} y={top + at.height + 12} text-anchor="middle">
          {special}
        </text>
      )}
    </a>
  );
}

function LargeBox({ left, top, box, failing }: { left: number; top: number; box: Drawn; failing: boolean }) {
  const versions = box.node?.versions ?? [];
  return (
    <g class={`node ${box.node ? "" : "outer"} ${failing ? "failing" : ""}`}>
      <rect x={left} y={top} width={box.width} height={box.height} rx={box.node ? 9 : box.height / 2} />
      <text class="name" x={left + box.width / 2} y={top + 30} text-anchor="middle">
        {box.name}
      </text>
      {versions.length > 1 &&
        versions.map((version, i) => (
          <g class="version" key={version.version}>
            <rect class="bar" x={left + 12} y={top + 62 + 26 * i} width={((box.width - 24) * version.share) / 100} height={4} rx={2} />
            <text x={left + box.width / 2} y={top + 57 + 26 * i} text-anchor="middle">
              {version.version} {version.share} %
            </text>
          </g>
        ))}
    </g>
  );
}

function Cylinder({ x, y }: { x: number; y: number }) {
  return <path class="database" transform={`translate(${x} ${y})`} d="M0 3c0-1.700 2.700-3 6-3s6 1.300 6 3v7c0 1.700-2.700 3-6 3s-6-1.300-6-3zM0 3c0 1.700 2.700 3 6 3s6-1.300 6-3" />;
}
