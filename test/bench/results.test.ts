import { expect, test } from "bun:test";
import { compare, medianOf, Results, spreadOf } from "../../bench/results.ts";
import type { Series, Unit } from "../../bench/results.ts";

function seriesOf(who: string, values: number[], unit: Unit = "s"): Series {
  return { workload: "W1", what: "get", who, unit, values };
}

test.each([
  [[], Number.NaN],
  [[3], 3],
  [[4, 1], 2.5],
  [[9, 1, 5], 5],
  [[1, 100, 2, 3], 2.5],
])("the median of %p is %p", (values, median) => {
  expect(medianOf(values)).toBe(median);
});

test("a spread is from the least to the most", () => {
  expect(spreadOf([5, 1, 3])).toEqual({ median: 3, least: 1, most: 5 });
});

test("ratios are of pairs, and above 1 where ours took less time", () => {
  const { ratio } = compare(seriesOf("ftpx", [1, 2, 4]), seriesOf("sftp", [2, 2, 2]));

  expect(ratio).toEqual({ median: 1, least: 0.5, most: 2 });
});

test("of rates more is better", () => {
  const { ratio } = compare(seriesOf("all", [80], "MB/s"), seriesOf("one", [100], "MB/s"));

  expect(ratio.median).toBe(0.8);
});

test("what ran once is compared with the first of the others", () => {
  const { ratio } = compare(seriesOf("ftpx", [2, 1, 1]), seriesOf("sftp", [20]));

  expect(ratio).toEqual({ median: 10, least: 10, most: 10 });
});

test("a pair in which one of the two was not measured is none", () => {
  const { ratio } = compare(seriesOf("ftpx", [1, 2, 0]), seriesOf("sftp", [0, 8, 2]));

  expect(ratio).toEqual({ median: 4, least: 4, most: 4 });
});

test("what has no such pair has no ratio", () => {
  const { ratio } = compare(seriesOf("ftpx", [1]), seriesOf("sftp", [0]));

  expect(ratio).toEqual({ median: Number.NaN, least: Number.NaN, most: Number.NaN });
});

test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])(
  "%p is not taken for a figure",
  (value) => {
    const results = new Results();

    expect(() => results.add("W9", "sftp", { what: "server, put", unit: "s/GiB", value })).toThrow(
      "server, put: nothing was measured",
    );
    expect(results.series).toEqual([]);
  },
);

test("figures of the same workload, name and peer are one series", () => {
  const results = new Results();
  for (const value of [3, 1]) results.add("W1", "sftp", { what: "get", unit: "s", value });
  results.add("W1", "sftp", { what: "put", unit: "s", value: 7, bytes: 10 });

  expect(results.series.map(({ what, values }) => [what, values])).toEqual([
    ["get", [3, 1]],
    ["put", [7]],
  ]);
});

test("who is left out is named once", () => {
  const results = new Results();
  results.leaveOut("lftp", "lftp is not installed");
  results.leaveOut("lftp", "lftp is not installed");

  expect(results.missing).toHaveLength(1);
});
