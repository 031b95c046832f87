import { useEffect, useState } from "preact/hooks";
import { get } from "../api";
import { clock, duration, short } from "../format";
import type { Span } from "../model";
import { LogLine } from "../parts/LogLine";
import { href } from "../route";
import { act, follow, trace } from "../store";
import { GAP_WIDTH, requestOf, waterfall } from "../waterfall";

export function Traces({ selected }: { selected: string }) {
  const [recent, setRecent] = useState<Span[][]>([]);
  const again = () => act(async () => setRecent(await get<Span[][]>("/page/traces")));
  useEffect(() => void again(), []);
  const first = selected || recent[0]?.[0]?.trace_id || "";
  return (
    <div class="columns traces">
      <nav class="card list" aria-labelledby="recent">
        <div class="head">
          <h2 id="recent">Newest traces</h2>
          <button type="button" class="quiet" onClick={again}>
            Look again
          </button>
        </div>
        {recent.length === 0 && <p>None yet: an order placed in <a href={href("shop")}>the shop</a> is always traced.</p>}
        <ul class="bare">
          {recent.map((spans) => (
            <li key={spans[0]?.trace_id}>
              <Summary spans={spans} current={spans[0]?.trace_id === first} />
            </li>
          ))}
        </ul>
      </nav>
      {first ? <One id={first} key={first} /> : <section class="card">Choose a trace.</section>}
    </div>
  );
}

function Summary({ spans, current }: { spans: Span[]; current: boolean }) {
  const root = spans[0]!;
  const seconds = Math.max(...spans.map((span) => span.end)) - root.start;
  return (
    <a href={href("traces", root.trace_id)} aria-current={current ? "true" : undefined}>
      <span class="name">{requestOf(root)}</span>
      <small>
        {clock(root.start)} · {spans.length} spans · {duration(seconds)}
      </small>
    </a>
  );
}

/** An id is a trace's, or `order-` and an order's: then it is the trace in which the order was placed. */
function One({ id }: { id: string }) {
  const order = id.startsWith("order-") ? id.slice("order-".length) : "";
  const [lines, setLines] = useState<{ name: string; line: string }[] | null>(null);
  const [chosen, setChosen] = useState("");
  useEffect(() => {
    trace.value = null;
    return follow("trace", order ? { order } : { trace: id });
  }, [id]);
  const spans = trace.value?.spans ?? [];
  const { rows, gaps, seconds, busy } = waterfall(spans);
  const traceId = spans[0]?.trace_id ?? "";
  const span = spans.find((one) => one.span_id === chosen);
  return (
    <section class="card wide" aria-labelledby="trace">
      <div class="head">
        <h2 id="trace">{spans[0] ? requestOf(spans[0]) : "Waiting for its first span …"}</h2>
        {traceId && (
          <button type="button" onClick={() => act(async () => setLines(await get(`/page/traces/${traceId}/logs`)))}>
            Its log lines
          </button>
        )}
      </div>
      {spans.length > 0 && (
        <p class="about">
          <b>{spans.length}</b> spans in <b>{new Set(spans.map((one) => one.service)).size}</b> processes, <b>{duration(seconds)}</b> from the first to the last
          {gaps.length > 0 && `, ${duration(busy)} of them busy; what lies between is left out`}. <code>{traceId}</code>
        </p>
      )}
      <ol class="waterfall" aria-label="Spans">
        {rows.map(({ span: one, depth, left, width }) => (
          <li key={one.span_id}>
            <button type="button" class={one.span_id === chosen ? "chosen" : ""} aria-expanded={one.span_id === chosen} onClick={() => setChosen(one.span_id === chosen ? "" : one.span_id)}>
              <span class="label" style={{ paddingLeft: `${Math.min(depth, 12) * 11}px` }}>
                <b class={`service of-${one.service}`}>{one.service}</b> {short(one.name)}
              </span>
              <span class="track">
                {gaps.map((gap) => (
                  <span class="gap" key={gap.at} style={{ left: `${gap.at}%`, width: `${GAP_WIDTH}%` }} />
                ))}
                <span class={`bar of-${one.service} ${one.status}`} style={{ left: `${left}%`, width: `${width}%` }} />
                <span class={`took ${left + width > 82 ? "before" : ""}`} style={left + width > 82 ? { right: `${100 - left}%` } : { left: `${left + width}%` }}>
                  {duration(one.end - one.start)}
                </span>
              </span>
            </button>
            {one.span_id === chosen && span && <Attributes span={span} />}
          </li>
        ))}
      </ol>
      {lines && (
        <>
          <h3>Its log lines</h3>
          {lines.length === 0 && <p>No process has logged anything with this trace's id.</p>}
          <ol class="bare log" aria-label="Log lines of this trace">
            {lines.map(({ name, line }, i) => (
              <LogLine key={i} line={line} name={name} />
            ))}
          </ol>
        </>
      )}
    </section>
  );
}

function Attributes({ span }: { span: Span }) {
  const all: [string, string][] = [["kind", span.kind], ["status", span.status], ...(span.version ? [["version", span.version] as [string, string]] : []), ...Object.entries(span.attributes)];
  return (
    <dl class="attributes">
      {all.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
