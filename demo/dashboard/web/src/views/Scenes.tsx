import { useEffect, useState } from "preact/hooks";
import { get, post, remove } from "../api";
import { duration } from "../format";
import { Graph } from "../graph/Graph";
import type { Scene } from "../model";
import { Latency, Users, Versions } from "../parts/charts";
import { Icon } from "../parts/Icon";
import { Lines } from "../parts/Lines";
import { href } from "../route";
import { act, busy, job, loadScenes, results, scenes, shape } from "../store";

export function Scenes({ selected }: { selected: string }) {
  useEffect(() => void act(loadScenes), []);
  if (scenes.value.length === 0) return <p class="card">Reading the scenes …</p>;
  const groups = [...new Set(scenes.value.map((scene) => scene.group))];
  const scene = scenes.value.find((one) => one.name === selected) ?? scenes.value[0]!;
  return (
    <div class="columns three">
      <nav class="card list" aria-label="Scenes">
        {groups.map((group) => (
          <section key={group} aria-labelledby={`group-${group}`}>
            <h2 id={`group-${group}`}>{group}</h2>
            <ul class="bare">
              {scenes.value.filter((one) => one.group === group).map((one) => (
                <li key={one.name}>
                  <a href={href("scenes", one.name)} aria-current={one === scene ? "true" : undefined}>
                    <Mark name={one.name} />
                    {one.name}
                  </a>
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <div class="side">
        <Detail scene={scene} key={scene.name} />
        <section class="card" aria-label="Charts">
          <Users />
          <Latency />
          <Versions />
        </section>
      </div>
      <aside class="side">
        <section class="card" aria-label="The system now">
          <Graph />
        </section>
      </aside>
    </div>
  );
}

function Mark({ name }: { name: string }) {
  const result = results.value.get(name);
  const running = busy.value && job.value?.scene === name;
  if (running) return <span class="mark running" title="under way" />;
  if (!result) return <span class="mark" />;
  return <span class={`mark ${result.passed ? "passed" : "failed"}`} role="img" aria-label={result.passed ? "passed" : "failed"} />;
}

function Detail({ scene }: { scene: Scene }) {
  const result = results.value.get(scene.name);
  const current = job.value?.scene === scene.name ? job.value : undefined;
  const running = busy.value && current !== undefined;
  const now = shape.value;
  const early = now !== undefined && now.shapes.indexOf(scene.shape) > now.shapes.indexOf(now.shape);
  return (
    <section class="card scene" aria-labelledby="scene">
      <div class="head">
        <h2 id="scene">{scene.title}</h2>
        {running ? (
          <button type="button" disabled={current.state === "stopping"} onClick={() => act(() => remove("/page/jobs/system"))}>
            <Icon name="stop" /> Stop
          </button>
        ) : (
          <button type="button" class="primary" disabled={busy.value || early || scene.missing !== ""} onClick={() => act(() => post(`/page/scenes/${scene.name}/run`))}>
            <Icon name="play" /> Run
          </button>
        )}
      </div>
      {scene.missing && <p class="notice">It needs {scene.missing.replaceAll("`", "")}.</p>}
      {early && !scene.missing && (
        <p class="notice">
          It needs the shape {scene.shape}: <a href={href("journey")}>the journey</a> leads there.
        </p>
      )}
      <dl>
        <dt>The talk says</dt>
        <dd>{scene.says}</dd>
        <dt>Hypothesis</dt>
        <dd class="hypothesis">{scene.hypothesis}</dd>
      </dl>
      {result && !running && (
        <div class={`verdict ${result.passed ? "passed" : "failed"}`} role="status">
          <b>{result.passed ? "Passed" : "Failed"}</b> after {duration(result.seconds)}
          {result.why && <p>{result.why}</p>}
        </div>
      )}
      {result && !running && result.figures.length > 0 && (
        <dl class="figures">
          {result.figures.map((figure) => (
            <div key={figure.name}>
              <dt>{figure.name}</dt>
              <dd>
                {figure.value} <small>{figure.unit}</small>
              </dd>
            </div>
          ))}
        </dl>
      )}
      {current && <Lines job={current} />}
      {result && !current && (
        <ul class="bare seen">
          {result.seen.map((text) => (
            <li key={text}>
              <Icon name="check" /> {text}
            </li>
          ))}
        </ul>
      )}
      {scene.manifests.length > 0 && <h3>What it applies</h3>}
      {scene.manifests.map((path) => (
        <Manifest key={path} path={path} />
      ))}
      <p class="command">
        <code>figtree scene run {scene.name}</code>
      </p>
    </section>
  );
}

function Manifest({ path }: { path: string }) {
  const [text, setText] = useState("");
  const open = () => {
    if (!text) void act(async () => setText(await get<string>(`/page/manifests/${path}`)));
  };
  return (
    <details class="manifest" onToggle={open}>
      <summary>istio/{path}</summary>
      <pre tabIndex={0}>{text}</pre>
    </details>
  );
}
