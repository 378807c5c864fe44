import { expect, test } from "bun:test";
import { Tally } from "../../src/sessions/tally.ts";

test("what was added and taken away again is not there", () => {
  const tally = new Tally();
  tally.add("a");
  tally.add("a");
  tally.add("b");
  expect([tally.of("a"), tally.of("b"), tally.of("c"), tally.largest]).toEqual([2, 1, 0, 2]);
  tally.remove("a");
  tally.remove("a");
  tally.remove("a");
  expect([tally.of("a"), tally.largest]).toEqual([0, 1]);
});
