/** One idempotency key for one basket: a second click after a lost answer repeats the order instead of placing another. */

let current: { content: string; key: string } | null = null;

/** The key of this content: the same until the content changes or `known` is called. */
export function keyOf(content: unknown, fresh: () => string = () => crypto.randomUUID()): string {
  const written = JSON.stringify(content);
  if (current?.content !== written) current = { content: written, key: fresh() };
  return current.key;
}

/** The order is known: the next order, even of equal content, is another one. */
export function known(): void {
  current = null;
}
