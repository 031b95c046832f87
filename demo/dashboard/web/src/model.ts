/** The shapes of what the backend sends. */

export interface Version {
  version: string;
  replicas: number;
  ready: number;
  restarts: number;
  rate: number;
  share: number;
}

export interface Node {
  name: string;
  versions: Version[];
  rate: number;
  mesh: Record<string, number>;
}

export interface Edge {
  source: string;
  target: string;
  rate: number;
  failed: number;
  p50: number | null;
  p95: number | null;
  mtls: boolean;
  mirror: boolean;
  versions: Record<string, number>;
  mesh?: Record<string, number>;
}

export interface Route {
  name: string;
  match: string;
  target: string;
  version: string;
  percent: number;
  mirror: boolean;
}

export interface Step {
  shape: string;
  module: string;
  prefixes: string[];
}

export interface Replication {
  module: string;
  direction: "forward" | "back";
  state: "running" | "copying" | "stopped" | "lost" | "missing" | "unknown";
  summary: string;
}

export interface Shape {
  shape: string;
  shapes: string[];
  meshed: boolean;
  modules: Record<string, string>;
  underWay: string;
  replication: Replication[];
  steps: Step[];
}

export interface Entry {
  at: number;
  step: string;
  what: string;
  detail: Record<string, unknown>;
}

export interface Happened {
  at: number;
  kind: string;
  subject: string;
  message: string;
}

export type Line = { at: number } & (
  | { what: "phase"; step: string; text: string }
  | { what: "report"; step: string; direction: string; rows: number; pairs: number; mismatches: number; pause: number; begun: number; ended: number; phases: [string, number][] }
  | { what: "scene"; scene: string; title: string; hypothesis: string }
  | { what: "tell"; text: string }
  | { what: "seen"; text: string }
  | Figure
  | Result
  | { what: "orders"; orders: number; lost: number; doubled: number; different: number; broken: number; holds: boolean }
);

export interface Figure {
  what: "figure";
  name: string;
  value: string;
  unit: string;
}

export interface Result {
  what: "result";
  scene: string;
  passed: boolean;
  why: string;
  seconds: number;
  figures: { name: string; value: string; unit: string }[];
  seen: string[];
}

export interface Job {
  title: string;
  command: string;
  state: "running" | "stopping" | "done" | "failed" | "stopped";
  begun: number;
  ended?: number;
  error?: string;
  lines: Line[];
  scene?: string;
  way?: "forward" | "back";
  rate?: number;
  seconds?: number;
}

export interface Scene {
  name: string;
  group: string;
  title: string;
  says: string;
  hypothesis: string;
  manifests: string[];
  shape: string;
  missing: string;
}

export interface Span {
  trace_id: string;
  span_id: string;
  parent_id: string;
  service: string;
  version: string;
  name: string;
  kind: string;
  start: number;
  end: number;
  status: string;
  attributes: Record<string, string>;
}

export interface Title {
  id: string;
  isbn13: string;
  name: string;
  authors: string[];
  format: "print" | "ebook" | "audio";
  publisher: string;
  year: number;
}

export interface PricedLine {
  title_id: string;
  quantity: number;
  list_price: { amount: string; currency: string };
  discount_percent: string;
  unit_price: string;
  total: string;
}

export interface Quote {
  currency: string;
  lines: PricedLine[];
  total: string;
  rate_date: string;
  titles_as_of?: string; // only while the catalogue does not answer: when it did last
}

export interface Problem {
  title: string;
  detail?: string;
  errors?: { field: string; message: string }[];
}

export interface Order {
  id: string;
  customer_id: string;
  status: string;
  currency: string;
  discount_percent: string;
  total: string;
  created_at: string;
}

export interface OrderEvent {
  sequence: number;
  status: string;
  at: string;
}

/** What `figtree present` shows just now. `begun` is when its last command began, 0 before the chapter's first. */
export interface Presented {
  chapter: number;
  title: string;
  figure: string;
  state: "opening" | "next" | "running" | "done" | "failed" | "question" | "paused";
  note: string;
  command: string;
  begun: number;
}

/** Seconds since the epoch, requests and failures per second, 95th percentile in milliseconds. */
export type Point = [number, number, number, number | null];

/** A request that was traced: when it came, its milliseconds, the id of its trace. */
export type Exemplar = [at: number, milliseconds: number, trace: string];
