import { expect, test } from "bun:test";
import { Headcount } from "../../src/sessions/headcount.ts";

test("what was added and taken away again is not there", () => {
  const headcount = new Headcount();
  headcount.add("a");
  headcount.add("a");
  headcount.add("b");
  expect([headcount.of("a"), headcount.of("b"), headcount.of("c"), headcount.largest]).toEqual([
    2, 1, 0, 2,
  ]);
  headcount.remove("a");
  headcount.remove("a");
  headcount.remove("a");
  expect([headcount.of("a"), headcount.largest]).toEqual([0, 1]);
});
