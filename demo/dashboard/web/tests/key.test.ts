import { beforeEach, describe, expect, it } from "vitest";
import { keyOf, known } from "../src/shop/key";

const EMMA = { customer_id: "c-1001", currency: "EUR", lines: [{ title_id: "t-1", quantity: 1 }] };

describe("the idempotency key of a basket", () => {
  let count = 0;
  const fresh = () => `key-${++count}`;
  beforeEach(() => {
    count = 0;
    known();
  });

  it("stays the same while the answer is not known", () => {
    expect([keyOf(EMMA, fresh), keyOf(structuredClone(EMMA), fresh)]).toEqual(["key-1", "key-1"]);
  });

  it.each([
    ["customer", { ...EMMA, customer_id: "c-1031" }],
    ["currency", { ...EMMA, currency: "USD" }],
    ["quantity", { ...EMMA, lines: [{ title_id: "t-1", quantity: 2 }] }],
    ["title", { ...EMMA, lines: [{ title_id: "t-2", quantity: 1 }] }],
  ])("is another one when the %s changes", (_, changed) => {
    expect([keyOf(EMMA, fresh), keyOf(changed, fresh)]).toEqual(["key-1", "key-2"]);
  });

  it("is another one for the same content once the order is known", () => {
    const first = keyOf(EMMA, fresh);
    known();
    expect([first, keyOf(EMMA, fresh)]).toEqual(["key-1", "key-2"]);
  });

  it("is a random UUID", () => {
    expect(keyOf(EMMA)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });
});
