/** The storefront: what was searched, what is in the basket, what was ordered. */

import { effect, signal } from "@preact/signals";
import { get, post, traceparent } from "../api";
import type { Order, OrderEvent, Title } from "../model";
import { act, priced, streamId } from "../store";
import { keyOf, known } from "./key";

export interface Line {
  title: Title;
  quantity: number;
}

export const search = signal<{ words: string; titles: Title[]; next: string; answered: boolean }>({ words: "", titles: [], next: "", answered: false });
export const basket = signal<Line[]>([]);
export const currency = signal("EUR");
export const customer = signal<string>("c-1001");
export const placing = signal(false);
export const placed = signal<{ order: Order; traceId: string; begun: number; seconds: number; rateDate?: string | undefined; events: OrderEvent[] } | null>(null);

export const CURRENCIES = ["EUR", "USD", "GBP", "CHF", "JPY", "SEK", "PLN", "CAD", "AUD", "INR"];
export const CUSTOMERS = [
  ["c-1001", "Aarhus Public Library"],
  ["c-1031", "Rotterdam Maritime Library, silver"],
  ["c-1036", "Uppsala Reference Library, gold"],
  ["c-1040", "Zutphen Chained Library, 100 EUR at most"],
  ["a-stranger", "somebody without an account"],
] as const;

let newest = 0;

/** What was typed last wins, however late the answers come. */
export async function find(words: string, token = ""): Promise<void> {
  const number = ++newest;
  search.value = { ...search.value, words };
  await act(async () => {
    const parameters = new URLSearchParams({ query: words, page_size: "12", page_token: token });
    const page = await get<{ titles: Title[]; next_page_token: string }>(`/api/titles?${parameters}`);
    if (number !== newest) return;
    search.value = { words, titles: token ? [...search.value.titles, ...page.titles] : page.titles, next: page.next_page_token, answered: true };
  });
}

export function quantityOf(title: Title): number {
  return basket.value.find((line) => line.title.id === title.id)?.quantity ?? 0;
}

export function put(title: Title, quantity: number): void {
  const others = basket.value.filter((line) => line.title.id !== title.id);
  const amount = Math.min(10_000, Math.max(0, Math.round(quantity)));
  if (amount === 0) basket.value = others;
  else if (others.length === basket.value.length) basket.value = [...others, { title, quantity: amount }];
  else basket.value = basket.value.map((line) => (line.title.id === title.id ? { title, quantity: amount } : line));
}

export function contents(): { currency: string; lines: { title_id: string; quantity: number }[] } {
  return { currency: currency.value, lines: basket.value.map(({ title, quantity }) => ({ title_id: title.id, quantity })) };
}

export const revision = signal(0);

/** Each change of the basket goes out at once; the stream brings its price. */
effect(() => {
  const stream = streamId.value;
  const content = contents();
  if (!stream || content.lines.length === 0) return;
  const number = revision.peek() + 1;
  revision.value = number;
  void post(`/page/streams/${stream}/basket`, { revision: number, ...content }).catch(() => undefined);
});

export async function order(): Promise<void> {
  placing.value = true;
  const { header, traceId } = traceparent();
  const begun = performance.now();
  await act(async () => {
    const wanted = { customer_id: customer.value, ...contents() };
    let degraded = "";
    const stored = await post<Order>(
      "/api/orders",
      wanted,
      {
        "idempotency-key": keyOf(wanted),
        traceparent: header,
        "x-client-trace-id": traceId, // the ingress gateway samples whatever carries it
      },
      (headers) => {
        degraded = headers.get("figtree-degraded") ?? "";
      },
    );
    known();
    placed.value = { order: stored, traceId, begun: Date.now() / 1000, seconds: (performance.now() - begun) / 1000, rateDate: /rate-date="([^"]+)"/.exec(degraded)?.[1], events: [] };
    basket.value = [];
    priced.value = null;
    watch(stored.id);
  });
  placing.value = false;
}

function watch(id: string): void {
  if (!("EventSource" in window)) return;
  const source = new EventSource(`/api/orders/${id}/events`);
  source.addEventListener("status", (message) => {
    const event = JSON.parse((message as MessageEvent<string>).data) as OrderEvent;
    if (placed.value?.order.id !== id) return source.close();
    if (!placed.value.events.some((known) => known.sequence === event.sequence)) {
      placed.value = { ...placed.value, events: [...placed.value.events, event] };
    }
    if (event.status === "shipped") source.close();
  });
}
