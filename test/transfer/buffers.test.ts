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

test("they are scarce when 64 MiB are in use, and there is room again at three quarters", async () => {
  const taken = Array.from({ length: 255 }, () => buffers.take());
  expect(buffers.isScarce).toBeFalse();
  await buffers.roomy();
  taken.push(buffers.take());
  expect(buffers.isScarce).toBeTrue();

  let isRoomy = false;
  const room = buffers.roomy().then(() => (isRoomy = true));
  for (const buffer of taken.splice(0, 63)) buffers.giveBack(buffer);
  await Promise.resolve();
  expect(isRoomy).toBeFalse();
  buffers.giveBack(taken.pop() ?? new Uint8Array(0));
  await room;
  expect(buffers.isScarce).toBeFalse();
});

test("who takes one while they are scarce gets it all the same", () => {
  const taken = Array.from({ length: 300 }, () => buffers.take());

  expect(new Set(taken).size).toBe(300);
  expect(buffers.usedCount).toBe(300);
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
