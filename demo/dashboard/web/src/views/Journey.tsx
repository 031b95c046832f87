import { post } from "../api";
import { clock, duration } from "../format";
import { Graph } from "../graph/Graph";
import type { Entry, Job, Line, Shape } from "../model";
import { Icon } from "../parts/Icon";
import { Lines } from "../parts/Lines";
import { act, busy, job, journal, shape } from "../store";

const WHAT: Record<string, string> = {
  "0-monolith": "One process, one database: orders, titles, prices and currencies.",
  "5-no-monolith": "The monolith loses its traffic, its process and its access: six services, five private databases.",
};
const PHASES: [string, string][] = [
  ["transform", "the service starts, its rows are copied and streamed"],
  ["co-exist", "reads are mirrored and compared, then shifted: 10, 50, 100 %"],
  ["eliminate", "a gate compares every row, then the service becomes the writer"],
];
const WITHOUT_MESH = "the edge sends reads to the service: all at once, nothing is mirrored";

export function Journey() {
  const now = shape.value;
  if (!now) return <p class="card">Reading where the journey stands …</p>;
  const last = now.shape === now.shapes.at(-1);
  const first = now.shape === now.shapes[0] && !now.underWay;
  const next = now.shapes[now.shapes.indexOf(now.shape) + 1];
  return (
    <div class="columns">
      <section class="card wide" aria-labelledby="journey">
        <div class="head">
          <h2 id="journey">From monolith to services, and back</h2>
          <div class="actions">
            <button type="button" disabled={busy.value || first} onClick={() => act(() => post("/page/journey/back"))}>
              <Icon name="back" /> Back
            </button>
            <button type="button" class="primary" disabled={busy.value || last} onClick={() => act(() => post("/page/journey/step"))}>
              {last ? "The journey is over" : now.underWay ? `Go on with ${next}` : `Step to ${next}`} <Icon name="next" />
            </button>
          </div>
        </div>
        <ol class="steps">
          {now.shapes.map((name) => (
            <Step key={name} name={name} now={now} job={mine(job.value, name, now)} />
          ))}
        </ol>
      </section>
      <aside class="side">
        <section class="card" aria-label="The system now">
          <Graph />
        </section>
        <section class="card" aria-labelledby="journal">
          <h2 id="journal">Journal</h2>
          <ol class="bare happened">
            {[...journal.value].reverse().slice(0, 18).map((entry) => (
              <li key={`${entry.at}${entry.what}`}>
                <time>{clock(entry.at)}</time>
                <span class="kind">{entry.step}</span>
                <span class="subject">
                  {entry.what}
                  {rowsOf(entry)}
                </span>
              </li>
            ))}
          </ol>
        </section>
      </aside>
    </div>
  );
}

function rowsOf({ detail: { rows, differences } }: Entry): string {
  if (typeof rows !== "number") return "";
  return `: ${rows.toLocaleString("en")} rows${typeof differences === "number" ? `, ${differences} differ` : ""}`;
}

/** The job, if it is about this step. */
function mine(current: Job | undefined, name: string, now: Shape): Job | undefined {
  if (!current?.way) return undefined;
  const named = current.lines.find((line): line is Line & { step: string } => "step" in line);
  const fallback = now.shapes[now.shapes.indexOf(now.shape) + 1];
  return (named?.step ?? fallback) === name ? current : undefined;
}

function Step({ name, now, job: current }: { name: string; now: Shape; job: Job | undefined }) {
  const position = now.shapes.indexOf(now.shape);
  const index = now.shapes.indexOf(name);
  const step = now.steps.find((one) => one.shape === name);
  const under = step !== undefined && step.module === now.underWay;
  const state = under || current?.state === "running" ? "under-way" : index < position ? "done" : index === position ? "here" : "ahead";
  return (
    <li class={state} aria-current={index === position ? "step" : undefined}>
      <h3>
        <span class="dot">{index < position && <Icon name="check" />}</span>
        {name}
        {index === position && <em>the system is here</em>}
        {step && <span class="phase">{now.modules[step.module]}</span>}
      </h3>
      <p class="about">
        {WHAT[name] ?? `The ${step?.module} module becomes a service with a database of its own; ${step?.prefixes.join(" and ")} at the edge.`}
      </p>
      {step && (
        <ul class="phases">
          {PHASES.map(([phase, about]) => (
            <Phase key={phase} name={phase} about={phase === "co-exist" && !now.meshed ? WITHOUT_MESH : about} job={current} done={index <= position && current?.state !== "running"} />
          ))}
        </ul>
      )}
      {current && <Lines job={current} />}
    </li>
  );
}

function Phase({ name, about, job: current, done }: { name: string; about: string; job: Job | undefined; done: boolean }) {
  const said = (current?.lines ?? []).filter((line): line is Line & { what: "phase" } => line.what === "phase");
  const own = said.filter((line) => line.text.startsWith(name));
  const latest = said.at(-1);
  const running = current?.state === "running" && latest?.text.startsWith(name);
  const begun = own[0]?.at;
  const after = said.find((line) => begun !== undefined && line.at > begun && !line.text.startsWith(name));
  const ended = after?.at ?? (current?.state === "running" ? undefined : current?.ended);
  return (
    <li class={running ? "running" : done || (begun !== undefined && ended !== undefined) ? "done" : ""}>
      <b>{name}</b>
      <span>{about}</span>
      {begun !== undefined && ended !== undefined && <time>{duration(ended - begun)}</time>}
    </li>
  );
}
