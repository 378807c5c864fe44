import { expect, test } from "bun:test";
import { EMPTY_FRAMES_MAX, EMPTY_FRAMES_PER_SECOND } from "../../src/base/limits.ts";
import { Chatter } from "../../src/wire/chatter.ts";
import { refusal } from "../support/refusal.ts";

function spent(): Chatter {
  const chatter = new Chatter(0);
  for (let count = 0; count < EMPTY_FRAMES_MAX; count += 1) chatter.empty(0);
  return chatter;
}

test("D7: the budget ends", () => {
  const chatter = spent();

  expect(() => chatter.empty(0)).toThrow(refusal("EMPTY_FRAMES"));
});

test("D7: each useful frame, and each hundredth of a second, allows for an empty one", () => {
  const chatter = spent();
  chatter.useful();
  chatter.empty(0);
  for (let count = 0; count < EMPTY_FRAMES_PER_SECOND; count += 1) chatter.empty(1000);

  expect(() => chatter.empty(1000)).toThrow(refusal("EMPTY_FRAMES"));
});

test("D7: useful frames and a long time do not make the budget larger", () => {
  const chatter = new Chatter(0);
  for (let count = 0; count < 10; count += 1) chatter.useful();
  for (let count = 0; count < EMPTY_FRAMES_MAX; count += 1) chatter.empty(1e9);

  expect(() => chatter.empty(1e9)).toThrow(refusal("EMPTY_FRAMES"));
});
