import { expect, test } from "bun:test";
import { Meter } from "../../src/base/meter.ts";

const MB = 1_000_000;

test("a meter knows no rate at first, then an average that follows", () => {
  const meter = new Meter(0);
  meter.add(MB);
  expect(meter.rate(100)).toBeUndefined();
  expect(meter.rate(1000)).toBe(MB);
  meter.add(3 * MB);
  expect(meter.rate(2000)).toBeWithin(MB, 3 * MB);
  expect(meter.rate(2100)).toBe(meter.rate(2000) ?? 0);
});

test("the rate of a line that stands still falls", () => {
  const meter = new Meter(0);
  meter.add(100 * MB);
  expect(meter.rate(1000)).toBe(100 * MB);
  for (let ms = 1100; ms <= 21_000; ms += 100) meter.rate(ms);
  expect(meter.rate(21_000)).toBeLessThan(MB);
});
