import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { giveBuffer, keptBuffers, takeBuffer } from "../../src/transfer/buffers.ts";

beforeEach(() => jest.useFakeTimers());

afterEach(() => {
  jest.advanceTimersByTime(1_000_000);
  jest.useRealTimers();
});

function takeMany(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => takeBuffer());
}

test("a buffer that was given back is the next one taken", () => {
  const buffer = takeBuffer();
  giveBuffer(buffer);

  expect(takeBuffer()).toBe(buffer);
});

test("after a rush all that may be kept are there for the next one", () => {
  for (const buffer of takeMany(1000)) giveBuffer(buffer);

  expect(keptBuffers()).toBe(256);
});

test("what a rush has left goes when nobody needs it", () => {
  for (const buffer of takeMany(1000)) giveBuffer(buffer);
  jest.advanceTimersByTime(60_000);

  expect(keptBuffers()).toBe(64);
});
