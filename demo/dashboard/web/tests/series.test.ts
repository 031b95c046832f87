import { expect, it } from "vitest";
import { broken } from "../src/series";

it("a line has a hole where nothing is known, not between two looks while nobody watched", () => {
  expect(broken([[10, 1, 0, 5], [21, 1, 0, 5], [40, 2, 0, 5]])).toEqual([[10, 1, 0, 5], [21, 1, 0, 5], [22, null, null, null], [40, 2, 0, 5]]);
});
