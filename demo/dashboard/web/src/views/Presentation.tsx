import { useRef } from "preact/hooks";
import { FIGURES } from "../figures";
import { Graph } from "../graph/Graph";
import type { Presented } from "../model";
import { connected, edges, nodes, presented, shape, users } from "../store";

const STATES: Record<Presented["state"], string> = {
  opening: "is prepared",
  next: "next",
  running: "runs",
  done: "done",
  failed: "ended with an error",
  question: "",
  paused: "pause",
};

/** What the audience of `figtree present` sees: big type, the graph, and one figure. */
export function Presentation() {
  const now = presented.value;
  return (
    <>
      <header>
        <h2>{now ? `${now.chapter} ${now.title}` : "Nobody presents now"}</h2>
        <span class="shape">{shape.value?.shape ?? "…"}</span>
        <span class={`pulse ${connected.value ? "live" : ""}`} title={connected.value ? "live" : "the connection is being made again"} />
      </header>
      <Graph large />
      <div class="said">
        <p class="note">{now ? coded(now.note) : coded("`figtree present` in a terminal shows the course here.")}</p>
        {now && <Large now={now} />}
      </div>
      {now && (
        <p class={`command ${now.state}`} role="status">
          {now.command && (
            <code>
              <b>$</b> {now.command}
            </code>
          )}
          <span class="state">{now.state === "question" ? "a question to try" : STATES[now.state]}</span>
        </p>
      )}
    </>
  );
}

function Large({ now }: { now: Presented }) {
  const highest = useRef({ since: "", value: 0 });
  const figure = FIGURES[now.figure];
  if (!figure) return null;
  const value = figure.read({ nodes: nodes.value, edges: edges.value, users: users.value });
  const since = `${now.chapter} ${now.begun}`;
  const before = highest.current.since === since && figure.fleeting ? highest.current.value : 0;
  highest.current = { since, value: Math.max(before, value) };
  return (
    <p class="figure">
      <b>{figure.write(highest.current.value)}</b> <span>{figure.label}</span>
    </p>
  );
}

/** What stands between backticks is code. */
function coded(text: string) {
  return text.split("`").map((part, i) => (i % 2 === 1 ? <code key={i}>{part}</code> : part));
}
