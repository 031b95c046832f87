import { useState } from "preact/hooks";
import { post, remove } from "../api";
import { clock, duration, milliseconds, perSecond, ratio } from "../format";
import { Graph, described, keyOf } from "../graph/Graph";
import { doings } from "../graph/tone";
import { Latency, Users, Versions } from "../parts/charts";
import { Icon } from "../parts/Icon";
import { href } from "../route";
import { act, edges, happened, load, nodes, routes, shape } from "../store";

export function System({ selected }: { selected: string }) {
  return (
    <div class="columns">
      <section class="card wide" aria-labelledby="now">
        <div class="head">
          <h2 id="now">The system now</h2>
          <Load />
        </div>
        <Graph selected={selected} />
        <Table />
      </section>
      <aside class="side">
        {selected && <Selected name={selected} />}
        <section class="card" aria-label="Charts">
          <Users />
          <Latency />
          <Versions />
        </section>
        <Replicated />
        <Declared />
        <Happened />
      </aside>
    </div>
  );
}

function Load() {
  const [rate, setRate] = useState("60");
  const job = load.value;
  if (job?.state === "running" || job?.state === "stopping") {
    const left = Math.max(0, (job.seconds ?? 0) - (Date.now() / 1000 - job.begun));
    return (
      <div class="load">
        <span>
          {job.rate} requests a second, {duration(left)} left
        </span>
        <button type="button" disabled={job.state === "stopping"} onClick={() => act(() => remove("/page/jobs/load"))}>
          <Icon name="stop" /> Send the users away
        </button>
      </div>
    );
  }
  return (
    <form
      class="load"
      onSubmit={(event) => {
        event.preventDefault();
        void act(() => post("/page/load", { rate: Number(rate), seconds: 180 }));
      }}
    >
      <label>
        <input type="number" min="1" max="2000" value={rate} onInput={(event) => setRate(event.currentTarget.value)} required />
        <span>requests a second</span>
      </label>
      <button type="submit">
        <Icon name="play" /> Bring users
      </button>
    </form>
  );
}

function Selected({ name }: { name: string }) {
  const node = nodes.value.find((one) => one.name === name);
  const out = edges.value.filter((edge) => edge.source === name);
  const into = edges.value.filter((edge) => edge.target === name);
  return (
    <section class="card selected" aria-labelledby="selected">
      <div class="head">
        <h2 id="selected">{name}</h2>
        <a class="plain button" href={href("system")} aria-label="Close">
          <Icon name="remove" />
        </a>
      </div>
      {node?.versions.map((version) => (
        <p key={version.version}>
          <b>{version.version}</b> {version.ready} of {version.replicas} ready, {perSecond(version.rate)}, started again {version.restarts} times
        </p>
      ))}
      {node && doings(node.mesh) && <p>Its sidecar: {doings(node.mesh)}</p>}
      {into.length > 0 && <h3>Called by</h3>}
      <ul class="bare">{into.map((edge) => <li key={keyOf(edge)}>{described(edge)}</li>)}</ul>
      {out.length > 0 && <h3>Calls</h3>}
      <ul class="bare">{out.map((edge) => <li key={keyOf(edge)}>{described(edge)}</li>)}</ul>
      {node && (
        <p>
          <a href={href("logs", name)}>Its log</a> · <a href={href("logs", `${name}/proxy`)}>its sidecar's log</a>
        </p>
      )}
    </section>
  );
}

function Table() {
  return (
    <details class="as-table">
      <summary>The same as a table</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Calls">
        <table>
          <thead>
            <tr>
              <th>from</th>
              <th>to</th>
              <th class="number">requests</th>
              <th class="number">failed</th>
              <th class="number">half within</th>
              <th class="number">95 % within</th>
              <th>mutual TLS</th>
              <th>the mesh</th>
            </tr>
          </thead>
          <tbody>
            {edges.value.map((edge) => (
              <tr key={keyOf(edge)} data-edge={keyOf(edge)}>
                <td>{edge.source}</td>
                <td>
                  {edge.target}
                  {Object.entries(edge.versions).length > 1 ? ` (${Object.entries(edge.versions).map(([v, rate]) => `${v} ${perSecond(rate)}`).join(", ")})` : ""}
                </td>
                <td class="number">{perSecond(edge.rate)}</td>
                <td class="number">{ratio(edge.failed, edge.rate)}</td>
                <td class="number">{milliseconds(edge.p50)}</td>
                <td class="number">{milliseconds(edge.p95)}</td>
                <td>{edge.mtls ? "yes" : edge.source === "users" ? "–" : "no"}</td>
                <td>{edge.mirror ? "copies" : doings(edge.mesh)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function Replicated() {
  const found = shape.value?.replication ?? [];
  if (found.length === 0) return null;
  return (
    <section class="card" aria-labelledby="replicated">
      <h2 id="replicated">Replication</h2>
      <ul class="bare routes replicated">
        {found.map((one) => (
          <li key={`${one.module}${one.direction}`} data-state={one.state}>
            <span class="match">
              {one.direction === "forward" ? `monolith to ${one.module}` : `${one.module} to monolith`}
            </span>
            <span>{one.summary}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Declared() {
  const shares = routes.value.filter((route) => route.mirror || route.percent < 100 || route.version);
  if (shares.length === 0) return null;
  return (
    <section class="card" aria-labelledby="declared">
      <h2 id="declared">Declared in istio/</h2>
      <ul class="bare routes">
        {shares.map((route) => (
          <li key={JSON.stringify(route)}>
            <span class="match">{route.match || route.name}</span>
            <span>
              {route.mirror ? "copies" : `${route.percent} %`} to {route.target}
              {route.version && ` ${route.version}`}
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Happened() {
  const newest = [...happened.value].reverse().slice(0, 14);
  return (
    <section class="card" aria-labelledby="happened">
      <h2 id="happened">What happened</h2>
      <ol class="bare happened">
        {newest.map((event) => (
          <li key={`${event.at}${event.subject}`} class={event.kind}>
            <time>{clock(event.at)}</time>
            <span class="kind">{event.kind}</span>
            <span class="subject" title={event.message}>
              {event.subject.replace("/figtree/", " ")}
            </span>
          </li>
        ))}
      </ol>
    </section>
  );
}
