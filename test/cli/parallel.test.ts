import { expect, test } from "bun:test";
import { EAGER_BYTES_MAX, REQUESTS_MAX, TRANSFERS_MAX } from "../../src/base/limits.ts";
import { inLanes } from "../../src/cli/verbs/parallel.ts";

const SIZES = [0, 4096, 64 * 1024, 64 * 1024 + 1, EAGER_BYTES_MAX, EAGER_BYTES_MAX + 1, Infinity];

test("every file has one lane, the smallest ones the widest", () => {
  const lanes = inLanes(SIZES, (bytes) => bytes, TRANSFERS_MAX);

  expect(lanes.map(({ items }) => items.length)).toEqual([3, 2, 2]);
  expect(lanes.flatMap(({ items }) => items).toSorted((a, b) => a - b)).toEqual(SIZES);
  expect(lanes.map(({ jobs }) => jobs).toSorted((a, b) => b - a)).toEqual(
    lanes.map(({ jobs }) => jobs),
  );
});

test.each([TRANSFERS_MAX, 100, 8, 1])(
  "of a server that allows %p transfers no lane asks for more",
  (transfersMax) => {
    const jobs = inLanes(SIZES, (bytes) => bytes, transfersMax).map((lane) => lane.jobs);
    const sum = jobs.reduce((all, one) => all + one, 0);

    expect(Math.min(...jobs)).toBeGreaterThanOrEqual(1);
    expect(sum).toBeLessThanOrEqual(Math.max(jobs.length, transfersMax));
    expect(2 * sum).toBeLessThanOrEqual(REQUESTS_MAX);
  },
);
