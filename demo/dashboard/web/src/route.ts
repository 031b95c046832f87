/** Where one is on the page: #/view/argument. */

import { signal } from "@preact/signals";

export const VIEWS = ["system", "shop", "journey", "scenes", "traces", "logs"] as const;
/** The presentation is opened by who presents; no other view leads there. */
export type View = (typeof VIEWS)[number] | "presentation";

export interface Place {
  view: View;
  argument: string;
}

export function parse(hash: string): Place {
  const [, view = "", ...rest] = hash.replace(/^#/, "").split("/");
  const known = ([...VIEWS, "presentation"] as const).find((name) => name === view);
  return { view: known ?? "system", argument: known ? decodeURIComponent(rest.join("/")) : "" };
}

export const place = signal<Place>(parse(location.hash));
addEventListener("hashchange", () => {
  place.value = parse(location.hash);
});

export function href(view: View, argument = ""): string {
  return `#/${view}${argument ? `/${encodeURIComponent(argument)}` : ""}`;
}
