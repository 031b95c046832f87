/** The page's state, fed by its one stream. */

import { computed, effect, signal } from "@preact/signals";
import { get, post, remove } from "./api";
import type { Edge, Entry, Exemplar, Happened, Job, Node, Point, Presented, Problem, Quote, Result, Route, Scene, Shape, Span } from "./model";
import { type Patch, type Shown, applied, under } from "./shown";

export const shown = signal<Shown>({});
export const connected = signal(false);
export const streamId = signal("");
export const points = signal<Point[]>([]);
/** By node and version, requests per second at each point. */
export const versionSeries = signal<Map<string, number[]>>(new Map());
export const priced = signal<{ revision: number; via: string; quote?: Quote; problem?: Problem } | null>(null);
export const trace = signal<{ trace: string; order: string; spans: Span[] } | null>(null);
export const log = signal<{ name: string; part: string; lines: string[]; problem: string }>({ name: "", part: "", lines: [], problem: "" });
export const scenes = signal<Scene[]>([]);
export const complaint = signal("");

export const nodes = computed(() => under<Node>(shown.value, "node/"));
export const edges = computed(() => under<Edge>(shown.value, "edge/"));
export const routes = computed(() => (shown.value["routes"] ?? []) as Route[]);
export const shape = computed(() => shown.value["shape"] as Shape | undefined);
export const journal = computed(() => (shown.value["journal"] ?? []) as Entry[]);
export const happened = computed(() => (shown.value["happened"] ?? []) as Happened[]);
export const job = computed(() => shown.value["job/system"] as Job | undefined);
export const exemplars = computed(() => (shown.value["exemplars"] ?? []) as Exemplar[]);
export const load = computed(() => shown.value["job/load"] as Job | undefined);
export const trouble = computed(() => shown.value["trouble"] as string | undefined);
export const presented = computed(() => shown.value["presentation"] as Presented | undefined);
export const busy = computed(() => job.value?.state === "running" || job.value?.state === "stopping");
export const results = computed(() => new Map(under<Result>(shown.value, "result/").map((result) => [result.scene, result])));
export const users = computed(() => shown.value["edge/users>ingress"] as Edge | undefined);

const KEPT = 300;
const KEPT_LINES = 2000;

/** A browser opens six connections to a host over HTTP/1.1: only a visible tab keeps a stream open. */
export function listen(): void {
  if (!("EventSource" in window)) {
    complaint.value = "This browser has no server-sent events (EventSource), by which the page is kept up to date: use another one";
    return;
  }
  let source: EventSource | null = null;
  const update = () => {
    if (document.hidden) {
      source?.close();
      source = null;
      lost();
    } else {
      source ??= open();
    }
  };
  document.addEventListener("visibilitychange", update);
  update();
}

function lost(): void {
  connected.value = false;
  streamId.value = "";
}

function open(): EventSource {
  const source = new EventSource("/page/stream");
  const on = <T>(event: string, handle: (content: T) => void) =>
    source.addEventListener(event, (message) => handle(JSON.parse((message as MessageEvent<string>).data) as T));
  on<{ stream: string; shown: Shown }>("state", (state) => {
    shown.value = state.shown;
    streamId.value = state.stream;
    connected.value = true;
    void get<Point[]>("/page/history").then((history) => {
      points.value = history.slice(-KEPT);
      versionSeries.value = new Map();
    });
  });
  on<Patch>("patch", (patch) => {
    shown.value = applied(shown.value, patch);
  });
  on<Point>("point", (point) => {
    points.value = [...points.value, point].slice(-KEPT);
    keepVersions();
  });
  on<NonNullable<typeof priced.value>>("quote", (answer) => {
    priced.value = answer;
  });
  on<NonNullable<typeof trace.value>>("trace", (found) => {
    trace.value = found;
  });
  on<{ name: string; part: string; lines: string[]; problem: string }>("log", (fresh) => {
    const same = fresh.name === log.value.name && fresh.part === log.value.part;
    const lines = same ? [...log.value.lines, ...fresh.lines].slice(-KEPT_LINES) : fresh.lines;
    log.value = { ...fresh, lines };
  });
  source.addEventListener("error", lost);
  return source;
}

/** The newest points' rates of each version of each workload, as long as it is there. */
function keepVersions(): void {
  const length = points.value.length;
  const next = new Map<string, number[]>();
  for (const node of nodes.value) {
    for (const version of node.versions) {
      const key = `${node.name} ${version.version}`;
      const before = versionSeries.value.get(key) ?? Array<number>(length - 1).fill(0);
      next.set(key, [...before, version.rate].slice(-length));
    }
  }
  versionSeries.value = next;
}

/** Do it; what is refused stands on the page until the next thing is done. */
export async function act(work: () => Promise<unknown>): Promise<void> {
  complaint.value = "";
  try {
    await work();
  } catch (error) {
    complaint.value = error instanceof Error ? error.message : String(error);
  }
}

/** Follow something on the stream, anew whenever the stream is; the returned function ends it. */
export function follow(kind: "log" | "trace", what: Record<string, string>): () => void {
  const end = effect(() => {
    if (streamId.value) void post(`/page/streams/${streamId.value}/${kind}`, what).catch(() => undefined);
  });
  return () => {
    end();
    if (streamId.peek()) void remove(`/page/streams/${streamId.peek()}/${kind}`).catch(() => undefined);
  };
}

export async function loadScenes(): Promise<void> {
  if (scenes.value.length === 0) scenes.value = await get<Scene[]>("/page/scenes");
}
