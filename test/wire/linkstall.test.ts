/** A link whose peer takes its bytes slowly, or not at all. */
import { expect, test } from "bun:test";
import {
  PAGES_QUEUE_BYTES_MAX,
  PROGRESS_BYTES_MIN,
  PROGRESS_MS_MAX,
  REPLY_QUEUE_BYTES_MAX,
  WRITE_STALL_MS_MAX,
} from "../../src/base/limits.ts";
import { Link } from "../../src/wire/link.ts";
import { ALL, FakeSocket, turn } from "../support/socket.ts";

const LARGE = 100 * 1024;

function frameOf(mark: number, size = 4): Uint8Array {
  return new Uint8Array(size).fill(mark);
}

function make(): { socket: FakeSocket; link: Link } {
  const socket = new FakeSocket();
  return { socket, link: new Link(socket) };
}

test("R10: a peer that takes next to nothing is stalled after the bound, and not before", async () => {
  const { socket, link } = make();
  const startMs = performance.now();
  const lateMs = startMs + PROGRESS_MS_MAX + 1000;
  expect(link.isStalled(lateMs)).toBeFalse();
  socket.room = 1;
  link.send(frameOf(1, LARGE));
  await turn();
  // A byte now and then, as many as are no progress.
  for (let count = 2; count < PROGRESS_BYTES_MIN; count += 1) link.drained();

  expect(link.isStalled(startMs + PROGRESS_MS_MAX - 1000)).toBeFalse();
  expect(link.isStalled(lateMs)).toBeTrue();
});

test("R10: a slow peer that takes as much as a modem is not stalled", async () => {
  const { socket, link } = make();
  const startMs = performance.now();
  socket.room = 1;
  link.send(frameOf(1, LARGE));
  await turn();
  await Bun.sleep(20);
  socket.room = PROGRESS_BYTES_MIN;
  link.drained();

  expect(link.isStalled(startMs + PROGRESS_MS_MAX + 15)).toBeFalse();
  socket.room = ALL;
  link.drained();
  expect(link.isStalled(Number.MAX_SAFE_INTEGER)).toBeFalse();
});

test("R6: a peer that does not take its replies, and so is not read, has less time", async () => {
  const { socket, link } = make();
  const startMs = performance.now();
  socket.room = 0;
  for (let count = 0; count < 2; count += 1) link.send(frameOf(1, REPLY_QUEUE_BYTES_MAX / 2));
  await turn();

  expect(link.isPaused).toBeTrue();
  expect(link.isStalled(startMs + WRITE_STALL_MS_MAX - 1000)).toBeFalse();
  expect(link.isStalled(startMs + WRITE_STALL_MS_MAX + 1000)).toBeTrue();
});

test("D2: a peer that never took anything is not waited for when we finish", async () => {
  const { socket, link } = make();
  socket.room = 0;
  link.send(frameOf(1));
  link.finish();
  expect(socket.calls).toEqual([]);
  await Bun.sleep(10);

  expect(socket.calls).toEqual(["terminate"]);
});

test("D3: there is room for replies while few bytes of them wait, and when all ends", async () => {
  const { socket, link } = make();
  socket.room = 0;
  await link.roomy();
  link.send(frameOf(1, PAGES_QUEUE_BYTES_MAX));
  link.send(frameOf(2, PAGES_QUEUE_BYTES_MAX));
  await turn();
  const waiting = [false, false];
  const first = link.roomy().then(() => (waiting[0] = true));
  await turn();
  expect(waiting).toEqual([false, false]);
  socket.room = ALL;
  link.drained();
  await first;
  socket.room = 0;
  link.send(frameOf(3, PAGES_QUEUE_BYTES_MAX));
  link.send(frameOf(4, PAGES_QUEUE_BYTES_MAX));
  await turn();
  const second = link.roomy().then(() => (waiting[1] = true));
  link.closed();
  await second;

  expect(waiting).toEqual([true, true]);
});
