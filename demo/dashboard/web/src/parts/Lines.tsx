import type { Job, Line } from "../model";
import { duration } from "../format";
import { Icon } from "./Icon";

/** What a job says, as it says it. */
export function Lines({ job }: { job: Job }) {
  const over = job.state === "done" || job.state === "failed" || job.state === "stopped";
  return (
    <div class="lines">
      <ol aria-live="polite">
        {job.lines.map((line, i) => {
          const text = said(line);
          return text ? (
            <li key={i} class={line.what}>
              <span class="at">{duration(Math.max(0, line.at - job.begun))}</span>
              {text}
            </li>
          ) : null;
        })}
      </ol>
      {!over && (
        <p class="working">
          <span class="spinner" /> {job.state === "stopping" ? "puts back what it changed" : "under way"}
        </p>
      )}
      {job.state === "stopped" && <p class="over">stopped; what it had changed is put back</p>}
      {job.error && <pre class="error">{job.error}</pre>}
    </div>
  );
}

function said(line: Line) {
  switch (line.what) {
    case "phase":
      return <span>{line.text}</span>;
    case "tell":
      return <span>{line.text}</span>;
    case "seen":
      return (
        <span>
          <Icon name="check" /> {line.text}
        </span>
      );
    case "figure":
      return (
        <span class="measure">
          <span>{line.name}</span>
          <b>
            {line.value} {line.unit}
          </b>
        </span>
      );
    case "orders":
      return (
        <span>
          {line.orders.toLocaleString("en")} orders were acknowledged meanwhile: {line.lost} lost, {line.doubled} doubled, {line.different} different
        </span>
      );
    case "report":
      return (
        <span>
          {line.step}, {line.direction}: {line.rows.toLocaleString("en")} rows compared, {line.pairs} answers mirrored, {line.mismatches} of them differ, writers held {duration(line.pause)}
        </span>
      );
    default:
      return null;
  }
}
