/** Requests to the page's own backend, with the token that proves they come from this page. */

const token = document.querySelector<HTMLMetaElement>('meta[name="figtree-token"]')?.content ?? "";

export class Refused extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly content: unknown = undefined,
  ) {
    super(message);
  }
}

export async function call<T>(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
  heard: (headers: Headers) => void = () => undefined,
): Promise<T> {
  const answer = await fetch(path, {
    method,
    headers: {
      "x-figtree-token": token,
      ...(body === undefined ? {} : { "content-type": "application/json" }),
      ...headers,
    },
    body: body === undefined ? null : JSON.stringify(body),
  });
  const text = await answer.text();
  const isJson = answer.headers.get("content-type")?.includes("json") ?? false;
  const content: unknown = isJson && text ? JSON.parse(text) : text;
  if (!answer.ok) {
    const problem = content as { detail?: string; title?: string };
    throw new Refused(answer.status, isJson ? (problem.detail ?? problem.title ?? text) : text.trim(), content);
  }
  heard(answer.headers);
  return content as T;
}

export const get = <T>(path: string) => call<T>("GET", path);
export const post = <T>(path: string, body: unknown = {}, headers?: Record<string, string>, heard?: (headers: Headers) => void) =>
  call<T>("POST", path, body, headers, heard);
export const remove = (path: string) => call<unknown>("DELETE", path);

/** W3C trace context, sampled: what is done by hand is always traced. */
export function traceparent(random: (count: number) => string = hex): { header: string; traceId: string } {
  const traceId = random(16);
  return { header: `00-${traceId}-${random(8)}-01`, traceId };
}

function hex(bytes: number): string {
  return [...crypto.getRandomValues(new Uint8Array(bytes))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
