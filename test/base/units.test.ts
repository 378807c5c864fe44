import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  formatDuration,
  formatQuota,
  formatRate,
  formatSize,
  parseDuration,
  parseSize,
} from "../../src/base/units.ts";

const KIB = 1024;
const GIB = KIB ** 3;

test.each([
  ["0", 0],
  ["100000", 100_000],
  ["100000 B", 100_000],
  ["1k", KIB],
  ["1K", KIB],
  ["10M", 10 * KIB ** 2],
  ["10 GiB", 10 * GIB],
  ["10gib", 10 * GIB],
  ["  10\tGiB ", 10 * GIB],
  ["1.5 TiB", 1.5 * KIB ** 4],
  ["0.1k", 102],
  ["1 kB", 1000],
  ["500 MB", 500e6],
  ["12.4GB", 12.4e9],
  ["2 TB", 2e12],
  ["7 P", 7 * KIB ** 5],
  ["9007199254740991", Number.MAX_SAFE_INTEGER],
])("parseSize reads %p as %p bytes", (text, size) => {
  expect(parseSize(text)).toBe(size);
});

test.each([
  "",
  " ",
  "-1",
  "+1",
  "1.5",
  "1.5 B",
  ".5k",
  "1.k",
  "1e3",
  "0x10",
  "1,000",
  "10 XB",
  "10 kib s",
  "10 Mbit",
  "unlimited",
  "NaN",
  "9007199254740992",
  "8 PiB",
  "99999999999999999",
])("parseSize refuses %p", (text) => {
  expect(() => parseSize(text)).toThrow(expect.objectContaining({ kind: "USAGE" }));
});

test("parseSize names the text it refuses, cut to a bound", () => {
  const named = { details: { reason: expect.stringContaining('"10 XB"') } };
  expect(() => parseSize("10 XB")).toThrow(expect.objectContaining(named));

  const cut = { details: { reason: expect.stringMatching(/^.{0,200}$/) } };
  expect(() => parseSize("x".repeat(10_000))).toThrow(expect.objectContaining(cut));
});

function refuseInRange(reason: string): never {
  throw new RangeError(reason);
}

test("parseSize complains in the way its caller asks for", () => {
  expect(() => parseSize("much", refuseInRange)).toThrow(RangeError);
});

test.each([
  [0, "0 B"],
  [999, "999 B"],
  [1000, "1.0 kB"],
  [1024, "1.0 kB"],
  [99_940, "99.9 kB"],
  [99_950, "100 kB"],
  [999_499, "999 kB"],
  [999_500, "1.0 MB"],
  [12_400_000_000, "12.4 GB"],
  [Number.MAX_SAFE_INTEGER, "9.0 PB"],
])("formatSize writes %p as %p", (size, text) => {
  expect(formatSize(size)).toBe(text);
});

test("formatRate writes bytes a second", () => {
  expect(formatRate(302_400_000.25)).toBe("302 MB/s");
  expect(formatRate(0.4)).toBe("0 B/s");
});

test.each([
  [0, "0"],
  [1, "1"],
  [1000, "1000"],
  [1024, "1 KiB"],
  [1536, "1536"],
  [1.5 * GIB, "1536 MiB"],
  [10 * GIB, "10 GiB"],
  [2 ** 52, "4 PiB"],
  [Number.MAX_SAFE_INTEGER, "9007199254740991"],
])("formatQuota writes %p as %p", (size, text) => {
  expect(formatQuota(size)).toBe(text);
});

test("parseSize reads back exactly what formatQuota wrote", () => {
  const sizes = fc.oneof(
    fc.maxSafeNat(),
    fc.tuple(fc.nat(1023), fc.nat(4)).map(([count, power]) => count * KIB ** power),
  );
  fc.assert(fc.property(sizes, (size) => parseSize(formatQuota(size)) === size));
});

test("parseSize reads what formatSize wrote to within half of its last digit", () => {
  fc.assert(
    fc.property(fc.nat(2 ** 52), (size) => {
      expect(Math.abs(parseSize(formatSize(size)) - size)).toBeLessThanOrEqual(size * 0.051);
    }),
  );
});

test.each([
  ["30", 30_000],
  ["30s", 30_000],
  ["250ms", 250],
  ["0.5 s", 500],
  ["5m", 300_000],
  ["5 min", 300_000],
  ["2h", 7_200_000],
  ["1.5H", 5_400_000],
  ["7d", 604_800_000],
  ["0", 0],
])("parseDuration reads %p as %p ms", (text, durationMs) => {
  expect(parseDuration(text)).toBe(durationMs);
});

test.each(["", "-1s", "1w", "s", "1h30m", "1..5s", "1e9", "9007199254740991d", "soon"])(
  "parseDuration refuses %p",
  (text) => {
    expect(() => parseDuration(text)).toThrow(expect.objectContaining({ kind: "USAGE" }));
  },
);

test.each([
  [0, "0 ms"],
  [350, "350 ms"],
  [999.4, "999 ms"],
  [999.5, "1.0 s"],
  [41_000, "41.0 s"],
  [59_949, "59.9 s"],
  [59_950, "1 min"],
  [200_000, "3 min 20 s"],
  [3_599_499, "59 min 59 s"],
  [3_599_500, "1 h"],
  [7_500_000, "2 h 5 min"],
  [86_369_999, "23 h 59 min"],
  [86_370_000, "1 d"],
  [273_600_000, "3 d 4 h"],
])("formatDuration writes %p as %p", (durationMs, text) => {
  expect(formatDuration(durationMs)).toBe(text);
});
