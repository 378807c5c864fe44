import { afterEach, beforeEach, expect, jest, test } from "bun:test";
import { Buffers } from "../../src/transfer/buffers.ts";

let buffers: Buffers;

beforeEach(() => {
  jest.useFakeTimers();
  buffers = new Buffers();
});

afterEach(() => jest.useRealTimers());

const MIB = 1024 * 1024;
const BUFFER_BYTES = 256 * 1024;

function takeMany(count: number): Uint8Array[] {
  return Array.from({ length: count }, () => buffers.take(MIB));
}

function rush(count: number): void {
  const taken = takeMany(count);
  for (const buffer of taken) buffers.giveBack(buffer);
}

test("a buffer that was given back is the next one taken", () => {
  const buffer = buffers.take(MIB);
  buffers.giveBack(buffer);

  expect(buffers.take(MIB)).toBe(buffer);
});

test("after a rush all that may be kept are there for the next one", () => {
  rush(1000);

  expect(buffers.keptCount).toBe(256);
});

test("they are scarce when 64 MiB are in use, and there is room again at three quarters", async () => {
  const taken = takeMany(255);
  expect(buffers.isScarce).toBeFalse();
  await buffers.roomy();
  taken.push(buffers.take(MIB));
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
  const taken = takeMany(300);

  expect(new Set(taken).size).toBe(300);
  expect(buffers.usedBytes).toBe(300 * BUFFER_BYTES);
});

test("the end of a file has a buffer of its size, which is not kept", () => {
  const [small, large] = [buffers.take(5), buffers.take(BUFFER_BYTES / 2)];
  expect([small.byteLength, large.byteLength]).toEqual([5, BUFFER_BYTES]);
  expect(buffers.usedBytes).toBe(5 + BUFFER_BYTES);
  buffers.giveBack(small);
  buffers.giveBack(large);

  expect([buffers.keptCount, buffers.usedBytes]).toEqual([1, 0]);
});

test("what waits elsewhere makes them scarce too", async () => {
  buffers.occupy(64 * MIB);
  expect(buffers.isScarce).toBeTrue();
  const room = buffers.roomy();
  buffers.vacate(64 * MIB);
  await room;
  expect(buffers.isScarce).toBeFalse();
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
  const taken = takeMany(100);
  jest.advanceTimersByTime(10_000);
  expect(buffers.keptCount).toBe(0);
  for (const buffer of taken) buffers.giveBack(buffer);
  jest.advanceTimersByTime(10_000);
  expect(buffers.keptCount).toBe(64);
});
