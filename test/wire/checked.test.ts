import { expect, test } from "bun:test";
import { BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { Connection } from "../../src/wire/connection.ts";
import { encodeFrame } from "../../src/wire/frame.ts";
import { bytes, joined } from "../support/octets.ts";
import { Owner } from "../support/owner.ts";
import { FakeSocket, turn } from "../support/socket.ts";

/** The parties of a connection without TLS. */
function make(): { socket: FakeSocket; owner: Owner; connection: Connection } {
  const [socket, owner] = [new FakeSocket(), new Owner()];
  const checked = { isChecked: true };
  return { socket, owner, connection: new Connection(socket, owner, BODY_BYTES_MAX, checked) };
}

/** A frame as a connection without TLS sends it, bytes that are flipped included. */
async function checkedFrame(body: Uint8Array, flips: Record<number, number> = {}) {
  const { socket, connection } = make();
  connection.send(0x20, 0, 7, body);
  await turn();
  connection.socketClosed();
  return socket.sent.map((byte, at) => byte ^ (flips[at] ?? 0));
}

test("F16: without TLS a frame carries CRC-32 of itself, which counts as body", async () => {
  const { owner, connection } = make();
  const frame = await checkedFrame(bytes("cafe"));
  connection.received(frame);

  const covered = bytes("01 20 0000 00000007 00000006 cafe");
  const check = Bun.hash.crc32(covered).toString(16).padStart(8, "0");
  expect(frame).toEqual(joined([covered, bytes(check)]));
  expect(owner.heard).toEqual([
    { header: { command: 0x20, flags: 0, requestId: 7, bodyBytes: 6 }, body: "cafe" },
  ]);
  connection.socketClosed();
});

test("F16: of a frame without TLS no flipped bit gets through, wherever it is", async () => {
  const body = bytes("0004 2f612f62 cafe");
  const whole = await checkedFrame(body);
  for (let bit = 0; bit < whole.byteLength * 8; bit += 1) {
    const { owner, connection } = make();
    connection.received(await checkedFrame(body, { [bit >> 3]: 1 << (bit & 7) }));
    const frames = owner.heard.filter((heard) => "header" in heard);
    expect([bit, frames]).toEqual([bit, []]);
    connection.socketClosed();
  }
});

test.each([
  ["a flipped bit", { 14: 1 }],
  ["a flipped bit in its check", { 15: 0x80 }],
  ["another request id", { 7: 2 }],
] as const)("F16: without TLS %s ends the connection and says so", async (_case, flips) => {
  const { socket, owner, connection } = make();
  connection.received(await checkedFrame(bytes("cafe"), flips));
  await turn();

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "FRAME_DAMAGED" })]);
  const told = make();
  told.connection.received(socket.sent);
  expect(told.owner.reasons).toEqual([expect.objectContaining({ kind: "FRAME_DAMAGED" })]);
});

test("F16: without TLS a frame that has no room for a check is refused", () => {
  const { owner, connection } = make();
  connection.received(encodeFrame(0x20, 0, 1, bytes("cafe")));

  expect(owner.reasons).toEqual([expect.objectContaining({ kind: "FRAME_DAMAGED" })]);
});
