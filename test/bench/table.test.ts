import { expect, test } from "bun:test";
import type { Series } from "../../bench/results.ts";
import { growthOf, short, tableOf } from "../../bench/table.ts";

function seriesOf(who: string, ...values: number[]): Series {
  return { workload: "W1", what: "get", who, unit: "s", bytes: 2e9, values };
}

test("a line has median, spread, rate, ratio and aim in columns", () => {
  const lines = tableOf([seriesOf("ftpx sha256", 1, 2, 3), seriesOf("sftp", 6, 6, 6)]).split("\n");

  expect(lines.map((line) => line.split(/ {2,}/u))).toEqual([
    ["", "who", "median", "spread", "rate", "ratio", "spread"],
    ["W1", "get", "ftpx sha256", "2 s", "1 to 3", "1000 MB/s"],
    ["", "sftp", "6 s", "6 to 6", "333 MB/s", "3.00", "2.00 to 6.00", "aim 2.5: met"],
  ]);
});

test("who was not measured has no ratio", () => {
  const table = tableOf([seriesOf("ftpx sha256", 1, 1), seriesOf("cp", 0, 0)]);

  expect(table).not.toContain("NaN");
  expect(table.split("\n").at(-1)?.split(/ {2,}/u).at(-1)).toBe("-");
});

test("an aim of another one of ours, or against the best, has a line of its own", () => {
  const table = tableOf([
    seriesOf("ftpx sha256", 1),
    seriesOf("ftpx xxh128", 0.5),
    seriesOf("sftp aes128-gcm", 1),
    seriesOf("curl ftps vsftpd", 1),
  ]);

  expect(table).toMatch(/ftpx xxh128 : sftp aes128-gcm +2\.00 +aim 2\.5, then 3: MISSED/);
  expect(table).toMatch(/ftpx sha256 : best FTPS, curl ftps vsftpd +1\.00 +aim 1\.8: MISSED/);
});

test("growth is the median of each step, and how many times the one before", () => {
  const [small, large] = [seriesOf("ftpx", 1, 2, 3), seriesOf("ftpx", 30)];
  const steps = [
    { factor: 0.1, series: [small, seriesOf("sftp", 1)] },
    { factor: 1, series: [large] },
  ];

  const [, own = "", other = ""] = growthOf(steps).split("\n");

  expect(own.split(/ {2,}/u)).toEqual(["W1", "get", "ftpx", "2 s", "30 s", "15"]);
  expect(other.split(/ {2,}/u)).toEqual(["W1", "get", "sftp", "1 s", "-", "-"]);
});

test.each([
  [0.012345, "0.0123"],
  [1234.5, "1235"],
  [Number.NaN, "-"],
])("%p is written %p", (value, text) => {
  expect(short(value)).toBe(text);
});
