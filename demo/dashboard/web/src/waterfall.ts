/** One trace as rows under each other, on an axis that leaves out the time in which nothing happened. */

import { short } from "./format";
import type { Span } from "./model";

export interface Row {
  span: Span;
  depth: number;
  left: number; // percent
  width: number; // percent
}

export interface Gap {
  at: number; // percent
  seconds: number;
}

export interface Waterfall {
  rows: Row[];
  gaps: Gap[];
  seconds: number; // from the first to the last, gaps included
  busy: number; // gaps left out
}

const IDLE = 0.04; // seconds without any span that are left out
export const GAP_WIDTH = 2.5; // percent that such a gap keeps
const THINNEST = 0.35; // percent

export function waterfall(spans: Span[]): Waterfall {
  if (spans.length === 0) return { rows: [], gaps: [], seconds: 0, busy: 0 };
  const begin = Math.min(...spans.map((span) => span.start));
  const end = Math.max(...spans.map((span) => span.end));
  const idle = gapsOf(spans);
  const busy = end - begin - idle.reduce((sum, gap) => sum + gap.end - gap.start, 0);
  const room = 100 - GAP_WIDTH * idle.length;
  const place = (time: number): number => {
    const before = idle.filter((gap) => gap.end <= time);
    const within = idle.find((gap) => gap.start < time && time < gap.end);
    const left = before.reduce((sum, gap) => sum + gap.end - gap.start, 0) + (within ? time - within.start : 0);
    return (room * (time - begin - left)) / (busy || 1) + GAP_WIDTH * (before.length + (within ? 0.5 : 0));
  };
  const rows = inOrder(spans).map(({ span, depth }) => {
    const left = place(span.start);
    return { span, depth, left, width: Math.max(THINNEST, place(span.end) - left) };
  });
  return { rows, gaps: idle.map((gap) => ({ at: place(gap.end) - GAP_WIDTH, seconds: gap.end - gap.start })), seconds: end - begin, busy };
}

function gapsOf(spans: Span[]): { start: number; end: number }[] {
  const found = [];
  let until = -Infinity;
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    if (until > -Infinity && span.start - until > IDLE) found.push({ start: until, end: span.start });
    until = Math.max(until, span.end);
  }
  return found;
}

/** Each span behind its parent; one whose parent is not there stands for itself. */
export function inOrder(spans: Span[]): { span: Span; depth: number }[] {
  const known = new Set(spans.map((span) => span.span_id));
  const children = new Map<string, Span[]>();
  for (const span of [...spans].sort((a, b) => a.start - b.start)) {
    const parent = known.has(span.parent_id) && span.parent_id !== span.span_id ? span.parent_id : "";
    children.set(parent, [...(children.get(parent) ?? []), span]);
  }
  const rows: { span: Span; depth: number }[] = [];
  const walk = (id: string, depth: number) => {
    for (const span of children.get(id) ?? []) {
      rows.push({ span, depth });
      walk(span.span_id, depth + 1);
    }
  };
  walk("", 0);
  return rows;
}

/** What the user asked for, if the span says so: "POST /api/orders". */
export function requestOf(span: Span): string {
  const { "http.method": method, "http.url": url } = span.attributes;
  if (!method || !url) return short(span.name);
  const path = url.replace(/^https?:\/\/[^/]+/, "");
  return `${method} ${path.length > 60 ? `${path.slice(0, 59)}…` : path}`;
}
