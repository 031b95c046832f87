/** Light or dark as the system says, until somebody chooses. */

import { signal } from "@preact/signals";

export type Theme = "auto" | "light" | "dark";
const ORDER: Theme[] = ["auto", "light", "dark"];

export const theme = signal<Theme>("auto");

/** A browser may refuse its storage: the choice then lasts until the page is left. */
function storage(): Storage | null {
  try {
    return localStorage;
  } catch {
    return null;
  }
}

export function begin(): void {
  const kept = storage()?.getItem("figtree-theme");
  choose(ORDER.find((name) => name === kept) ?? "auto");
}

export function choose(next: Theme): void {
  theme.value = next;
  storage()?.setItem("figtree-theme", next);
  document.documentElement.dataset["theme"] = next;
  dispatchEvent(new Event("figtree-theme"));
}

export function turn(): void {
  choose(ORDER[(ORDER.indexOf(theme.value) + 1) % ORDER.length] ?? "auto");
}
