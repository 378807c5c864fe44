import { expect, test } from "bun:test";
import { HELD_BYTES_EACH, REPLY_QUEUE_BYTES_MAX } from "../../src/base/limits.ts";
import { Link } from "../../src/wire/link.ts";
import { FakeSocket } from "../support/socket.ts";

test("D3, D7: answers of a few bytes count as what they hold, and reading stops", () => {
  const socket = new FakeSocket();
  const link = new Link(socket);
  socket.room = 0;
  const countMax = REPLY_QUEUE_BYTES_MAX / HELD_BYTES_EACH;
  for (let count = 0; count < countMax; count += 1) link.send(new Uint8Array(12));

  expect(link.isPaused).toBeTrue();
  link.closed();
});

test("who has nothing to hear any more does not hold the process, once its FIN is out", () => {
  const socket = new FakeSocket();
  const link = new Link(socket);
  socket.room = 0;
  link.send(new Uint8Array(12));
  link.finish(true);
  expect(socket.calls).toEqual([]);
  socket.room = 12;
  link.drained();

  expect(socket.calls).toEqual(["shutdown", "unref"]);
  link.closed();
});
