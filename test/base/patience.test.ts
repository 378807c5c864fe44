import { expect, test } from "bun:test";
import { PROGRESS_BYTES_MIN } from "../../src/base/limits.ts";
import { Patience } from "../../src/base/patience.ts";

const awaited = { msMax: 1000, sinceMs: 100 };

test("what is awaited is late behind its bound, and not while it is this side's turn", () => {
  const patience = new Patience(0);

  expect(patience.lateMs(awaited, 1100)).toBeUndefined();
  expect(patience.lateMs(awaited, 1101)).toBe(1001);
  expect(patience.lateMs({ msMax: 1000, sinceMs: undefined }, 1e9)).toBeUndefined();
});

test("progress counts from when it came, and a byte now and then is none", () => {
  const patience = new Patience(0);
  patience.moved(PROGRESS_BYTES_MIN - 1, 900);
  expect(patience.lateMs(awaited, 1101)).toBe(1001);
  patience.moved(1, 1000);

  expect(patience.lateMs(awaited, 2000)).toBeUndefined();
  expect(patience.lateMs(awaited, 2001)).toBe(1001);
});
