import { expect, test } from "bun:test";
import { FtpxError } from "../../src/base/errors.ts";
import {
  BODY_BYTES_MAX,
  EMPTY_FRAMES_MAX,
  PING_AFTER_MS,
  PROGRESS_MS_MAX,
  REPLY_QUEUE_BYTES_MAX,
  SILENCE_MS_MAX,
  UNSIGNED_BODY_BYTES_MAX,
  USEFUL_BYTES_MIN,
} from "../../src/base/limits.ts";
import { Connection } from "../../src/wire/connection.ts";
import {
  CONTENT_PREFIX_BYTES,
  decodeError,
  encodeError,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  HEADER_BYTES,
  PING,
} from "../../src/wire/frame.ts";
import { hear } from "../support/listener.ts";
import { bytes, joined } from "../support/octets.ts";
import { Owner } from "../support/owner.ts";
import { refusal } from "../support/refusal.ts";
import { FakeSocket, turn } from "../support/socket.ts";

const NOTHING = bytes("");
const REQUEST = encodeFrame(0x20, 0, 1, bytes("cafe"));

function make(): { socket: FakeSocket; owner: Owner; connection: Connection } {
  const socket = new FakeSocket();
  const owner = new Owner();
  return { socket, owner, connection: new Connection(socket, owner, BODY_BYTES_MAX) };
}

/** The one error frame of request id 0 that was sent. */
function farewellOf(socket: FakeSocket): FtpxError {
  const heard = hear([socket.sent], BODY_BYTES_MAX);
  const last = heard.at(-1);
  if (last === undefined || !("body" in last)) throw new Error("no frame was sent");
  expect(last.header).toMatchObject({ flags: FLAG_REPLY | FLAG_ERROR, requestId: 0 });
  return decodeError(bytes(last.body));
}

test("a frame and content that come in reach the owner", () => {
  const { owner, connection } = make();
  connection.received(joined([REQUEST, bytes("01 40 0000 00000007 00000009 0000000000000005 aa")]));

  expect(owner.heard).toEqual([
    { header: { command: 0x20, flags: 0, requestId: 1, bodyBytes: 2 }, body: "cafe" },
    { requestId: 7, offset: 5, content: "aa" },
  ]);
  expect(connection.receivedBytes).toBe(REQUEST.byteLength + 21);
});

test("what is sent goes out framed, and is counted", async () => {
  const { socket, connection } = make();
  connection.send(0x20, FLAG_REPLY, 5, bytes("cafe"));
  const frame = new Uint8Array(CONTENT_PREFIX_BYTES + 2).fill(0xdd);
  await connection.sendContent(frame, 6, 9, 2);
  const expected = bytes(`
    01 20 0001 00000005 00000002 cafe
    01 40 0000 00000006 0000000a 0000000000000009 dddd
  `);

  expect(socket.sent).toEqual(expected);
  expect(connection.sentBytes).toBe(expected.byteLength);
});

test("a ping is answered under its id, and the owner does not hear of it", async () => {
  const { socket, owner, connection } = make();
  connection.received(encodeFrame(PING, 0, 77, NOTHING));
  connection.received(encodeFrame(PING, FLAG_REPLY, 78, NOTHING));
  await turn();

  expect(socket.sent).toEqual(encodeFrame(PING, FLAG_REPLY, 77, NOTHING));
  expect(owner.heard).toEqual([]);
});

test("F13: a silent peer is asked once, and is gone when it stays silent", async () => {
  const { socket, owner, connection } = make();
  const startMs = performance.now();
  connection.watch(startMs + PING_AFTER_MS - 100);
  await turn();
  expect(socket.sent.byteLength).toBe(0);
  connection.watch(startMs + PING_AFTER_MS + 100);
  connection.watch(startMs + PING_AFTER_MS + 1100);
  await turn();
  expect(socket.sent).toEqual(encodeFrame(PING, 0, 0, NOTHING));
  connection.watch(startMs + SILENCE_MS_MAX + 100);
  connection.watch(startMs + SILENCE_MS_MAX + 1100);

  expect(socket.calls).toEqual(["terminate"]);
  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "PEER_SILENT" })]);
});

test("F13: a peer that answers, with anything, is asked again later and stays", async () => {
  const { socket, connection } = make();
  connection.watch(performance.now() + PING_AFTER_MS + 100);
  connection.received(encodeFrame(PING, FLAG_REPLY, 0, NOTHING));
  connection.watch(performance.now() + PING_AFTER_MS + 100);
  await turn();

  expect(socket.sent.byteLength).toBe(2 * 12);
  expect(connection.isOpen).toBeTrue();
});

test("R10: a peer that takes nothing is gone, even if it keeps talking", async () => {
  const { socket, owner, connection } = make();
  socket.takes.push(1);
  connection.send(0x20, FLAG_REPLY, 1, NOTHING);
  await turn();
  connection.received(REQUEST);
  connection.watch(performance.now() + PROGRESS_MS_MAX + 100);

  expect(socket.calls).toEqual(["terminate"]);
  expect(owner.reasons).toHaveLength(1);
});

test("a peer that we do not read is not called silent", async () => {
  const { socket, owner, connection } = make();
  const startMs = performance.now();
  socket.room = 0;
  await Bun.sleep(30);
  connection.send(0x20, FLAG_REPLY, 1, new Uint8Array(REPLY_QUEUE_BYTES_MAX / 2));
  await turn();
  connection.send(0x20, FLAG_REPLY, 2, new Uint8Array(REPLY_QUEUE_BYTES_MAX));
  connection.watch(startMs + SILENCE_MS_MAX + 15);

  expect(socket.calls).toEqual(["pause"]);
  expect(owner.reasons).toEqual([]);
  connection.terminate();
});

test("an error of request id 0 ends the connection with that error", () => {
  const { socket, owner, connection } = make();
  const body = encodeError(new FtpxError("DRAINING"));
  connection.received(encodeFrame(0, FLAG_REPLY | FLAG_ERROR, 0, body));

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "DRAINING" })]);
  expect(owner.heard).toEqual([]);
  expect(socket.calls).toEqual(["shutdown"]);
  connection.socketClosed();
});

test("an error of another request is the owner's", () => {
  const { owner, connection } = make();
  const body = encodeError(new FtpxError("EXISTS"));
  connection.received(encodeFrame(0x22, FLAG_REPLY | FLAG_ERROR, 5, body));

  expect(owner.heard).toHaveLength(1);
  expect(owner.reasons).toEqual([]);
});

test("I6: an error of request id 0 that cannot be read ends the connection all the same", () => {
  const { owner, connection } = make();
  connection.received(encodeFrame(0, FLAG_REPLY | FLAG_ERROR, 0, bytes("00")));

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "BAD_BODY" })]);
  connection.socketClosed();
});

test.each([
  ["another version", "02 20 0000 00000001 00000000", "WRONG_VERSION"],
  ["an unknown flag", "01 20 8000 00000001 00000000", "BAD_FRAME"],
  ["a huge length", "01 20 0000 00000001 ffffffff", "BODY_TOO_LARGE"],
  ["content at no offset", "01 40 0000 00000001 00000009 ffffffffffffffff 00", "OUT_OF_RANGE"],
] as const)("a peer that sends %s is told why before the end", (_case, stream, kind) => {
  const { socket, owner, connection } = make();
  connection.received(bytes(stream));

  expect(farewellOf(socket).kind).toBe(kind);
  expect(socket.calls).toEqual(["shutdown"]);
  expect(owner.reasons).toEqual([expect.objectContaining({ kind })]);
  connection.socketClosed();
});

test("an FtpxError of the owner is told to the peer, and ends the connection", () => {
  const { socket, owner, connection } = make();
  owner.trouble = new FtpxError("BAD_STATE", { reason: "content" });
  connection.received(joined([REQUEST, REQUEST]));

  expect(farewellOf(socket)).toEqual(refusal("BAD_STATE", { reason: "content" }) as FtpxError);
  expect(owner.heard).toHaveLength(1);
  expect(owner.defects).toEqual([]);
  expect(owner.reasons).toEqual([owner.trouble as FtpxError]);
  connection.socketClosed();
});

test("R7, D8: a defect of the owner ends this connection, and its text stays here", () => {
  const { socket, owner, connection } = make();
  owner.trouble = new Error("the password is 1234");
  connection.received(REQUEST);

  expect(farewellOf(socket)).toMatchObject({ kind: "INTERNAL", details: {} });
  expect(Buffer.from(socket.sent).toString("latin1")).not.toContain("1234");
  expect(owner.defects).toEqual([owner.trouble]);
  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "INTERNAL" })]);
  connection.socketClosed();
});

test("nothing reaches the owner after the end, even out of the same read", () => {
  const { owner, connection } = make();
  const farewell = encodeFrame(0, 3, 0, encodeError(new FtpxError("DRAINING")));
  const content = bytes("01 40 0000 00000007 0000000a 0000000000000005 aabb");
  connection.received(joined([farewell, REQUEST, content]));
  connection.received(REQUEST);

  expect(owner.heard).toEqual([]);
  expect(owner.reasons).toHaveLength(1);
  connection.socketClosed();
});

test("T7: the peer's FIN completes nothing: it is a loss, told once", () => {
  const { socket, owner, connection } = make();
  connection.received(REQUEST.subarray(0, 13));
  connection.peerFinished();
  connection.socketClosed();
  connection.terminate();

  expect(owner.heard).toEqual([]);
  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "CONNECTION_LOST" })]);
  expect(socket.calls).toEqual(["shutdown", "end"]);
});

test.each(["finish", "terminate", "socketClosed", "peerFinished"] as const)(
  "%s is told once, and whatever ends it again is not told",
  (how) => {
    const { owner, connection } = make();
    connection[how]();
    connection.fail(new FtpxError("INTERNAL"));
    connection.finish();
    connection.peerFinished();
    connection.terminate();
    connection.socketClosed();
    connection.watch(performance.now() + 10 * SILENCE_MS_MAX);

    expect(owner.reasons).toEqual([expect.objectContaining({ kind: "CONNECTION_LOST" })]);
    expect(connection.isOpen).toBeFalse();
  },
);

test("socketClosed keeps what the system said as the cause", () => {
  const { owner, connection } = make();
  const cause = new Error("ECONNRESET");
  connection.socketClosed(cause);

  expect(owner.reasons.map((reason) => reason.cause)).toEqual([cause]);
});

test("content that waits is rejected when the connection is lost", async () => {
  const { socket, connection } = make();
  socket.room = 0;
  const sending = connection.sendContent(new Uint8Array(100_000), 1, 0, 90_000);
  await turn();
  connection.socketClosed();

  expect(sending).rejects.toThrow(refusal("CONNECTION_LOST"));
});

test("D1: a stranger's bound holds until it is widened", () => {
  const socket = new FakeSocket();
  const owner = new Owner();
  const connection = new Connection(socket, owner, UNSIGNED_BODY_BYTES_MAX);
  const large = encodeFrame(0x20, 0, 1, new Uint8Array(UNSIGNED_BODY_BYTES_MAX + 1));
  connection.bodyBytesMax = BODY_BYTES_MAX;
  connection.received(large.slice());
  connection.bodyBytesMax = UNSIGNED_BODY_BYTES_MAX;
  connection.received(large.slice());

  expect(owner.heard).toHaveLength(1);
  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "BODY_TOO_LARGE" })]);
  connection.socketClosed();
});

test("D3: a peer that does not take its answers stops being read", () => {
  const { socket, connection } = make();
  socket.room = 0;
  const pings = joined(Array.from({ length: 100 }, () => encodeFrame(PING, 0, 1, NOTHING)));
  for (let round = 0; round < 400; round += 1) {
    connection.received(pings.slice());
    // As if each ping had come with a request, or they would be too many.
    for (let count = 0; count < 100; count += 1) connection.answered();
  }

  expect(socket.calls).toEqual(["pause"]);
  connection.terminate();
});

const PINGED = encodeFrame(PING, 0, 1, NOTHING);
const TINY = bytes("01 40 0000 00000007 00000009 0000000000000005 aa");
const WORTH = joined([
  bytes("01 40 0000 00000007 00000108 0000000000000005"),
  new Uint8Array(USEFUL_BYTES_MIN),
]);

test.each([
  ["pings", PINGED],
  ["answers to pings that were never sent", encodeFrame(PING, FLAG_REPLY, 1, NOTHING)],
  ["content of a byte", TINY],
])("D7: a peer that sends nothing but %s is told so, and closed", (_case, frame) => {
  const { socket, owner, connection } = make();
  const many = joined(Array.from({ length: 1000 }, () => frame));
  for (let sent = 0; sent < EMPTY_FRAMES_MAX; sent += 1000) connection.received(many.slice());
  expect(owner.reasons).toEqual([]);
  for (let sent = 0; sent < 1_000_000; sent += 1000) connection.received(many.slice());

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "EMPTY_FRAMES" })]);
  expect(farewellOf(socket).kind).toBe("EMPTY_FRAMES");
  connection.socketClosed();
});

test("D7: empty frames that come with others are no loop", () => {
  const { owner, connection } = make();
  const mixed = joined(Array.from({ length: 1000 }, () => joined([PINGED, TINY, WORTH, WORTH])));
  for (let round = 0; round < 30; round += 1) connection.received(mixed.slice());

  expect(owner.reasons).toEqual([]);
  connection.terminate();
});

test("D7: the answer to a ping of ours is no empty frame", () => {
  const { owner, connection } = make();
  const drained = joined(Array.from({ length: EMPTY_FRAMES_MAX }, () => TINY));
  connection.received(drained.slice());
  connection.watch(performance.now() + PING_AFTER_MS + 100);
  connection.received(encodeFrame(PING, FLAG_REPLY, 0, NOTHING));

  expect(owner.reasons).toEqual([]);
  connection.terminate();
});

test("F13: a peer that talks and hears nothing of us is told that we are there", async () => {
  const { socket, owner, connection } = make();
  const startMs = performance.now();
  for (let second = 0; second < 50; second += 1) {
    // It is heard all the time.
    connection.received(WORTH, startMs + second * 1000);
    connection.watch(startMs + second * 1000);
  }
  await turn();

  expect(owner.reasons).toEqual([]);
  expect(socket.sent.byteLength).toBe(2 * HEADER_BYTES);
  connection.terminate();
});
