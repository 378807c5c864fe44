/** Peers that are not read for a while, because there is no room for what they would send. */
import { afterEach, expect, mock, spyOn, test } from "bun:test";
import { BODY_BYTES_MAX, REPLY_QUEUE_BYTES_MAX, SILENCE_MS_MAX } from "../../src/base/limits.ts";
import { Connection } from "../../src/wire/connection.ts";
import { Link } from "../../src/wire/link.ts";
import { Owner } from "../support/owner.ts";
import { FakeSocket, turn } from "../support/socket.ts";

afterEach(() => {
  mock.restore();
});

function make(): { socket: FakeSocket; link: Link } {
  const socket = new FakeSocket();
  return { socket, link: new Link(socket) };
}

test("a link that is held reads nothing until there is room, and once", async () => {
  const { socket, link } = make();
  const room = Promise.withResolvers<void>();
  link.holdUntil(room.promise);
  link.holdUntil(Promise.resolve());
  await turn();
  expect([link.isPaused, socket.calls]).toEqual([true, ["pause"]]);
  room.resolve();
  await turn();

  expect([link.isPaused, socket.calls]).toEqual([false, ["pause", "resume"]]);
});

test("a link that is held and whose replies are not taken reads on when neither holds", async () => {
  const { socket, link } = make();
  const room = Promise.withResolvers<void>();
  socket.room = 0;
  link.holdUntil(room.promise);
  const frame = new Uint8Array(REPLY_QUEUE_BYTES_MAX / 2);
  for (let count = 0; count < 3; count += 1) link.send(frame);
  room.resolve();
  await turn();
  expect([link.isPaused, socket.calls]).toEqual([true, ["pause"]]);
  socket.room = Number.MAX_SAFE_INTEGER;
  link.drained();

  expect([link.isPaused, socket.calls]).toEqual([false, ["pause", "resume"]]);
});

test("R6: a held link that finishes reads on, and is not touched when it has closed", async () => {
  const { socket, link } = make();
  const room = Promise.withResolvers<void>();
  link.holdUntil(room.promise);
  link.finish();
  expect(socket.calls).toContain("resume");
  link.closed();
  const { calls } = socket;
  const before = [...calls];
  room.resolve();
  link.holdUntil(room.promise);
  await turn();

  expect(calls).toEqual(before);
});

test("a peer that is held is not called silent, nor when it is read again", async () => {
  const socket = new FakeSocket();
  const owner = new Owner();
  const connection = new Connection(socket, owner, BODY_BYTES_MAX);
  const room = Promise.withResolvers<void>();
  connection.holdUntil(room.promise);
  const laterMs = performance.now() + 10 * SILENCE_MS_MAX;
  connection.watch(laterMs);
  spyOn(performance, "now").mockReturnValue(laterMs);
  room.resolve();
  await turn();
  connection.watch(laterMs + 1000);
  expect(owner.reasons).toEqual([]);
  connection.watch(laterMs + SILENCE_MS_MAX + 1000);

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "PEER_SILENT" })]);
  expect(socket.calls).toEqual(["pause", "resume", "terminate"]);
});
