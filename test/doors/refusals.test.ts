import { expect, test } from "bun:test";
import { REFUSED_MAX, SOURCE_REFUSED_MAX } from "../../src/base/limits.ts";
import { Refusals } from "../../src/doors/refusals.ts";

test("D4: of one source a few hear why they are refused, then two each second", () => {
  const refusals = new Refusals();
  const told = (nowMs: number) => refusals.begin("a", nowMs);
  const first = Array.from({ length: 100 }, () => told(0)).filter(Boolean).length;
  expect(first).toBe(SOURCE_REFUSED_MAX);
  expect([told(250), told(500), told(750), told(1000)]).toEqual([false, true, false, true]);
  expect(refusals.begin("b", 0)).toBe(true);
});

test("D4: so many wait to be told, in all, and an ended one makes room", () => {
  const refusals = new Refusals();
  for (let index = 0; index < REFUSED_MAX; index += 1) {
    expect(refusals.begin(`${index}`, 0)).toBe(true);
  }
  expect(refusals.begin("new", 0)).toBe(false);
  refusals.end();
  expect(refusals.begin("new", 0)).toBe(true);
});
