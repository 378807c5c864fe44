import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Buffers } from "../../src/transfer/buffers.ts";

let buffers: Buffers;

beforeEach(() => {
  jest.useFakeTimers();
  buffers = new Buffers();
});

afterEach(() => jest.useRealTimers());

function rush(count: number): void {
  const taken = Array.from({ length: count }, () => buffers.take());
  for (const buffer of taken) buffers.giveBack(buffer);
}

test("a buffer that was given back is the next one taken", () => {
  const buffer = buffers.take();
  buffers.giveBack(buffer);

  expect(buffers.take()).toBe(buffer);
});

test("after a rush all that may be kept are there for the next one", () => {
  rush(1000);

  expect(buffers.keptCount).toBe(256);
});

test("what a rush has left goes when nobody needs it, and no further", () => {
  rush(1000);
  jest.advanceTimersByTime(10_000);
  expect(buffers.keptCount).toBe(128);
  jest.advanceTimersByTime(600_000);
  expect(buffers.keptCount).toBe(64);
});

test("it is trimmed when all of it is in use, too", () => {
  rush(100);
  const taken = Array.from({ length: 100 }, () => buffers.take());
  jest.advanceTimersByTime(10_000);
  expect(buffers.keptCount).toBe(0);
  for (const buffer of taken) buffers.giveBack(buffer);
  jest.advanceTimersByTime(10_000);
  expect(buffers.keptCount).toBe(64);
});
