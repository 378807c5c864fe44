import { expect, test } from "bun:test";
import { SERVER_WINDOW_BYTES, WINDOW_BYTES, WINDOW_BYTES_MIN } from "../../src/base/limits.ts";
import { Windows } from "../../src/sessions/windows.ts";
import type { Direction } from "../../src/transfer/motion.ts";

function holder(direction: Direction, windowBytes: number) {
  return { motion: { direction }, windowBytes };
}

function takeShares(windows: Windows, direction: Direction, count: number): number[] {
  return Array.from({ length: count }, () => {
    const windowBytes = windows.shareBytes(direction);
    windows.take(holder(direction, windowBytes));
    return windowBytes;
  });
}

test("the first upload gets a full window, and no later one more than the one before it", () => {
  const shares = takeShares(new Windows(), "upload", 100);

  expect(shares[0]).toBe(WINDOW_BYTES);
  expect(shares).toEqual(shares.toSorted((a, b) => b - a));
});

test("all uploads together hold the server's share and the least of each", () => {
  const shares = takeShares(new Windows(), "upload", 1000);
  const sum = shares.reduce((total, bytes) => total + bytes, 0);

  expect(shares.at(-1)).toBe(WINDOW_BYTES_MIN);
  expect(sum).toBeLessThanOrEqual(SERVER_WINDOW_BYTES + 1000 * WINDOW_BYTES_MIN);
});

test("copies hold content too", () => {
  const windows = new Windows();
  takeShares(windows, "copy", 100);

  expect(windows.shareBytes("upload")).toBe(WINDOW_BYTES_MIN);
});

test("downloads take nothing, and get a full window beside any number of uploads", () => {
  const windows = new Windows();
  takeShares(windows, "download", 1000);
  expect(windows.shareBytes("upload")).toBe(WINDOW_BYTES);
  takeShares(windows, "upload", 1000);
  expect(windows.shareBytes("download")).toBe(WINDOW_BYTES);
});

test("what was given back is there for the next one", () => {
  const windows = new Windows();
  const shares = takeShares(windows, "upload", 50);
  for (const windowBytes of shares) windows.giveBack(holder("upload", windowBytes));

  expect(takeShares(windows, "upload", 50)).toEqual(shares);
});
