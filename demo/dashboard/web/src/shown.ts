/** What the backend shows: a flat map, kept up to date by patches. Keys are described in demo/dashboard/web/observer.py. */
export type Shown = Readonly<Record<string, unknown>>;

export interface Patch {
  set?: Record<string, unknown>;
  gone?: string[];
}

export function applied(shown: Shown, patch: Patch): Shown {
  const next: Record<string, unknown> = { ...shown, ...patch.set };
  for (const key of patch.gone ?? []) delete next[key];
  return next;
}

/** The values under a prefix, in the order of their keys. */
export function under<T>(shown: Shown, prefix: string): T[] {
  return Object.keys(shown)
    .filter((key) => key.startsWith(prefix))
    .sort()
    .map((key) => shown[key] as T);
}
