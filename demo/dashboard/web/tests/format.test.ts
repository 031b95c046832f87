import { describe, expect, it } from "vitest";
import { duration, milliseconds, money, perSecond, ratio, short } from "../src/format";

describe("figures as people read them", () => {
  it.each([
    [0, "0/s"],
    [0.04, "<0.1/s"],
    [9.96, "10/s"],
    [3.14, "3.1/s"],
    [1234.4, "1,234/s"],
  ])("%d a second is %s", (rate, text) => expect(perSecond(rate)).toBe(text));

  it.each([
    [null, "–"],
    [0, "0 ms"],
    [0.42, "0.4 ms"],
    [9.96, "10 ms"],
    [421, "421 ms"],
    [1234, "1.2 s"],
    [12_000, "12 s"],
  ])("%s milliseconds are %s", (value, text) => expect(milliseconds(value)).toBe(text));

  it.each([
    [0, 100, "0 %"],
    [1, 100_000, "<0.1 %"],
    [1, 30, "3.3 %"],
    [50, 100, "50 %"],
    [1, 0, "0 %"],
  ])("%d of %d are %s", (part, whole, text) => expect(ratio(part, whole)).toBe(text));

  it.each([
    [0, "0 ms"],
    [0.000_03, "<0.1 ms"],
    [0.000_42, "0.4 ms"],
    [0.0123, "12 ms"],
    [0.994, "994 ms"],
    [0.9996, "1.0 s"],
    [12.34, "12.3 s"],
    [125, "2 min 5 s"],
    [179.7, "3 min 0 s"],
  ])("%d seconds are %s", (seconds, text) => expect(duration(seconds)).toBe(text));

  it("an amount keeps the decimals that the system gave it", () => {
    expect(money("1234.50", "EUR")).toBe("EUR 1,234.50");
    expect(money("15058", "JPY")).toBe("JPY 15,058");
  });

  it("a name loses what every name in the mesh ends with", () => {
    expect(short("gateway.figtree.svc.cluster.local:8080/api/titles*")).toBe("gateway/api/titles*");
  });
});
