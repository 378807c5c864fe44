import { expect, test } from "bun:test";
import { Chance } from "./chance.ts";
import { fitLine, lowestOf, meansOf } from "./slope.ts";
import type { Point } from "./slope.ts";

test("the slope of a straight line is found, without error", () => {
  const points = [0, 1, 2, 5].map((x) => ({ x, y: 3 * x + 7 }));

  const { slope, error, intercept } = fitLine(points);

  expect(slope).toBeCloseTo(3, 9);
  expect(intercept).toBeCloseTo(7, 9);
  expect(error).toBeCloseTo(0, 6);
});

test("the error is the one that a textbook computes", () => {
  // Means 3 and 4; Sxx 10, Sxy 9, residuals .2 -.7 .4 .5 -.4, their squares 1.1.
  const ys = [2.4, 2.4, 4.4, 5.4, 5.4];
  const { slope, error } = fitLine(ys.map((y, index) => ({ x: index + 1, y })));

  expect(slope).toBeCloseTo(0.9, 9);
  expect(error).toBeCloseTo(Math.sqrt(1.1 / 3 / 10), 9);
});

test("a slope is found in noise, within a few of its errors, and none where there is none", () => {
  for (const [seed, wanted] of [1, 2, 3, 4, 5].flatMap((s) => [[s, 0] as const, [s, 2] as const])) {
    const chance = new Chance(seed);
    const noise = () => (chance.below(2001) - 1000) / 100;
    const points = Array.from({ length: 400 }, (_, x) => ({
      x: x / 10,
      y: wanted * (x / 10) + noise(),
    }));
    const { slope, error } = fitLine(meansOf(points, 40));

    expect(Math.abs(slope - wanted)).toBeLessThan(4 * error);
    expect(error).toBeLessThan(0.1);
  }
});

test("points without extent have no slope", () => {
  expect(fitLine([]).error).toBe(Infinity);
  expect(fitLine([{ x: 1, y: 2 }]).slope).toBe(0);
  expect(
    fitLine([
      { x: 1, y: 2 },
      { x: 2, y: 2 },
    ]).error,
  ).toBe(Infinity);
});

test("means keep what is left over, and never make more of it", () => {
  const points = [1, 2, 3, 4, 5].map((x) => ({ x, y: 10 * x }));

  expect(meansOf(points, 2)).toEqual([
    { x: 1.5, y: 15 },
    { x: 4, y: 40 },
  ]);
  expect(meansOf(points, 9)).toEqual(points);
});

/** Memory that is collected every 37 seconds, and a leak. */
function saw(leak: number): Point[] {
  return Array.from({ length: 600 }, (_, x) => ({ x, y: 100 + (x % 37) + leak * x }));
}

test("the floor of a saw is flat, however its teeth stand, and rises with a leak", () => {
  expect(Math.abs(fitLine(lowestOf(saw(0), 12)).slope)).toBeLessThan(1e-9);
  expect(fitLine(lowestOf(saw(0.1), 12)).slope).toBeCloseTo(0.1, 2);
});
