import { useEffect, useRef, useState } from "preact/hooks";
import { LogLine } from "../parts/LogLine";
import { href } from "../route";
import { follow, log, nodes } from "../store";

const INFRASTRUCTURE = ["ingress", "istiod", "postgres", "nats"];

export function Logs({ selected }: { selected: string }) {
  const workloads = nodes.value.map((node) => node.name);
  const [name = "", part = "app"] = (selected || workloads[0] || "").split("/");
  const [words, setWords] = useState("");
  const [following, setFollowing] = useState(true);
  const list = useRef<HTMLOListElement>(null);
  useEffect(() => {
    if (!name) return;
    log.value = { name, part, lines: [], problem: "" };
    return follow("log", { name, part });
  }, [name, part]);
  const lines = log.value.lines.filter((line) => words === "" || line.toLowerCase().includes(words.toLowerCase()));
  useEffect(() => {
    if (following && list.current) list.current.scrollTop = list.current.scrollHeight;
  }, [log.value, following, words]);
  return (
    <div class="columns logs">
      <nav class="card list" aria-label="Processes">
        {[["Workloads", workloads] as const, ["Infrastructure", INFRASTRUCTURE] as const].map(([title, names]) => (
          <section key={title}>
            <h2>{title}</h2>
            <ul class="bare">
              {names.map((one) => (
                <li key={one}>
                  <a href={href("logs", one)} aria-current={one === name && part === "app" ? "true" : undefined}>
                    {one}
                  </a>
                  {title === "Workloads" && (
                    <a class="sidecar" href={href("logs", `${one}/proxy`)} aria-current={one === name && part === "proxy" ? "true" : undefined} aria-label={`sidecar of ${one}`}>
                      sidecar
                    </a>
                  )}
                </li>
              ))}
            </ul>
          </section>
        ))}
      </nav>
      <section class="card wide" aria-labelledby="log">
        <div class="head">
          <h2 id="log">
            {name}
            {part === "proxy" && ", its sidecar"}
          </h2>
          <label class="check">
            <input type="checkbox" checked={following} onChange={(event) => setFollowing(event.currentTarget.checked)} /> follow
          </label>
          <label>
            <span class="visually-hidden">Only lines with</span>
            <input type="search" placeholder="only lines with …" value={words} onInput={(event) => setWords(event.currentTarget.value)} />
          </label>
        </div>
        {log.value.problem && <p class="notice">{log.value.problem}</p>}
        <ol class="bare log tall" ref={list} tabIndex={0} aria-label={`Log of ${name}`}>
          {lines.slice(-400).map((line, i) => (
            <LogLine key={`${lines.length - 400 + i}${line.slice(0, 40)}`} line={line} />
          ))}
        </ol>
        {lines.length === 0 && <p class="about">Nothing is written here{words && " with these words"} yet.</p>}
      </section>
    </div>
  );
}
