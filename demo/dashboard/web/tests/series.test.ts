import { expect, it } from "vitest";
import { broken } from "../src/series";

it("a line has a hole where nobody looked", () => {
  expect(broken([[10, 1, 0, 5], [11, 1, 0, 5], [30, 2, 0, 5]])).toEqual([[10, 1, 0, 5], [11, 1, 0, 5], [12, null, null, null], [30, 2, 0, 5]]);
});
