import { afterEach, expect, mock, spyOn, test } from "bun:test";
import fs from "node:fs";
import { composeDigest, formatDigest } from "../../src/base/digest.ts";
import { FtpxError } from "../../src/base/errors.ts";
import {
  ACK_EVERY_BYTES,
  CHUNK_BYTES,
  CONTENT_BYTES_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MIN,
} from "../../src/base/limits.ts";
import { Chance } from "../support/chance.ts";
import { Folder } from "../support/folder.ts";
import { BUFFERS } from "../../src/transfer/buffers.ts";
import { bytes, joined } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";
import { turn } from "../support/socket.ts";
import { chunkDigest, CONTENT, feed, KIB, make, Owner } from "./reception.ts";

afterEach(() => {
  mock.restore();
});

test("content that came whole is written, acknowledged and digested", async () => {
  const { owner, file, receiver } = await make();
  await feed(receiver, 0, CONTENT.byteLength);
  receiver.prove(0, await chunkDigest(0));
  receiver.prove(1, await chunkDigest(1));
  const digests = await receiver.finish();

  expect(Buffer.compare(file.content, CONTENT)).toBe(0);
  expect(digests).toEqual([await chunkDigest(0), await chunkDigest(1), await chunkDigest(2)]);
  expect(owner.chunks).toEqual([0, 1]);
  expect(owner.acknowledged.at(-1)).toBe(CONTENT.byteLength);
  expect(owner.failures).toEqual([]);
});

test("an empty file needs no content and has the digest of nothing", async () => {
  const { owner, file, receiver } = await make({ totalBytes: 0, algorithm: "md5" });
  const digest = await composeDigest("md5", await receiver.finish());

  expect(formatDigest(digest)).toBe("md5:d41d8cd98f00b204e9800998ecf8427e");
  expect(file.writes).toEqual([]);
  expect(owner.acknowledged).toEqual([]);
});

test("a piece without bytes leaves nothing under way", async () => {
  const { file, receiver } = await make({ totalBytes: 5 });
  receiver.accept(0, new Uint8Array(0));
  receiver.accept(0, CONTENT.subarray(0, 5));
  await receiver.settle();
  receiver.accept(5, new Uint8Array(0));
  await receiver.finish();

  expect(file.content).toEqual(CONTENT.subarray(0, 5));
});

test.each([
  ["behind the next", 11],
  ["before it", 9],
  ["at the front again", 0],
  ["far away", Number.MAX_SAFE_INTEGER - 5],
])("Q9, F3: content %s offset is refused and nothing of it kept", async (_case, offset) => {
  const { file, receiver } = await make();
  receiver.accept(0, CONTENT.slice(0, 10));
  const details = { offset, expectedOffset: 10 };

  expect(() => receiver.accept(offset, bytes("01"))).toThrow(refusal("WRONG_OFFSET", details));
  expect(receiver.acceptedOffset).toBe(10);
  await receiver.settle();
  expect(file.content).toEqual(CONTENT.slice(0, 10));
});

test("Q3: content beyond the declared size is refused", async () => {
  const { file, receiver } = await make({ totalBytes: 10 });
  receiver.accept(0, CONTENT.slice(0, 9));
  const details = { expectedBytes: 10, bytes: 11 };

  expect(() => receiver.accept(9, bytes("01 02"))).toThrow(refusal("SIZE_MISMATCH", details));
  await receiver.settle();
  expect(file.content.byteLength).toBe(9);
});

test("Q3: less content than declared is refused at the end", async () => {
  const { receiver } = await make({ totalBytes: 10 });
  receiver.accept(0, CONTENT.slice(0, 9));

  expect(receiver.finish()).rejects.toThrow(
    refusal("SIZE_MISMATCH", { expectedBytes: 10, bytes: 9 }),
  );
});

test("D3: content beyond the window is refused, and a full window is not", async () => {
  const { file, receiver } = await make({ windowBytes: 100 });
  file.hold();
  receiver.accept(0, CONTENT.slice(0, 60));
  receiver.accept(60, CONTENT.slice(60, 100));

  expect(() => receiver.accept(100, bytes("01"))).toThrow(refusal("WINDOW_EXCEEDED"));
  file.release();
  await receiver.settle();
  receiver.accept(100, CONTENT.slice(100, 200));
  await receiver.settle();
  expect(file.content).toEqual(CONTENT.slice(0, 200));
});

test("D3: what is written and not acknowledged still counts", async () => {
  const { receiver } = await make({ windowBytes: WINDOW_BYTES });
  receiver.accept(0, CONTENT.slice(0, 100 * KIB));
  await receiver.settle();
  receiver.accept(100 * KIB, CONTENT.slice(100 * KIB, WINDOW_BYTES));

  expect(() => receiver.accept(WINDOW_BYTES, bytes("01"))).toThrow(refusal("WINDOW_EXCEEDED"));
  await receiver.settle();
});

test("what comes while a write is under way is written together, a MiB at most", async () => {
  const { file, receiver } = await make();
  file.hold();
  for (let offset = 0; offset < 3000 * KIB; offset += 100 * KIB) {
    receiver.accept(offset, CONTENT.slice(offset, offset + 100 * KIB));
  }
  file.release();
  await receiver.settle();

  expect(file.writes.slice(0, 2)).toEqual([100 * KIB, 1024 * KIB]);
  expect(Math.max(...file.writes)).toBeLessThanOrEqual(1024 * KIB);
  expect(Buffer.compare(file.content, CONTENT.subarray(0, 3000 * KIB))).toBe(0);
});

test("D3: a peer that dribbles costs no more memory than its bytes", async () => {
  const { file, receiver } = await make();
  file.hold();
  for (let offset = 0; offset < 3000; offset += 1) {
    receiver.accept(offset, CONTENT.slice(offset, offset + 1));
  }
  file.release();
  await receiver.settle();

  expect(file.pieceCounts).toEqual([1, 1]);
  expect(file.content).toEqual(CONTENT.slice(0, 3000));
});

test("a piece is lent until accept returns: overwritten afterwards, it changes nothing", async () => {
  const { file, receiver } = await make();
  file.hold();
  const piece = CONTENT.slice(0, 600 * KIB);
  for (let offset = 0; offset < CHUNK_BYTES; offset += piece.byteLength) {
    const taken = piece.subarray(0, CHUNK_BYTES - offset);
    taken.set(CONTENT.subarray(offset, offset + taken.byteLength));
    receiver.accept(offset, taken);
    taken.fill(0xee);
    if (offset > CHUNK_BYTES / 2) file.release();
    await turn();
  }
  await receiver.settle();
  receiver.prove(0, await chunkDigest(0));

  expect(Buffer.compare(file.content, CONTENT.subarray(0, CHUNK_BYTES))).toBe(0);
});

test("two transfers that are written at the same time do not share a buffer", async () => {
  const one = await make();
  const other = await make();
  one.file.hold();
  other.file.hold();
  for (let offset = 0; offset < 1000 * KIB; offset += 50 * KIB) {
    one.receiver.accept(offset, CONTENT.slice(offset, offset + 50 * KIB));
    other.receiver.accept(offset, new Uint8Array(50 * KIB).fill(7));
    if (offset === 500 * KIB) one.receiver.stop(new FtpxError("TAKEN_OVER"));
  }
  one.file.release();
  other.file.release();
  await Promise.all([one.receiver.settle(), other.receiver.settle()]);

  expect(one.file.content).toEqual(CONTENT.slice(0, 50 * KIB));
  expect(Buffer.compare(other.file.content, new Uint8Array(1000 * KIB).fill(7))).toBe(0);
});

test("acknowledgements stay rare in a full window", async () => {
  const { owner, receiver } = await make();
  await feed(receiver, 0, CHUNK_BYTES, 64 * KIB);
  await receiver.settle();

  expect(owner.acknowledged).toHaveLength(CHUNK_BYTES / ACK_EVERY_BYTES);
});

test.each([
  ["the least", WINDOW_BYTES_MIN],
  ["a little more", WINDOW_BYTES_MIN + 200 * KIB],
  ["the most", WINDOW_BYTES],
  ["less than a frame", CONTENT_BYTES_MAX / 2],
])(
  "with a window of %s, whole frames never wait for ever, however they are read",
  async (_case, windowBytes) => {
    const chance = new Chance(windowBytes);
    const totalBytes = Math.max(4 * CONTENT_BYTES_MAX, windowBytes + CONTENT_BYTES_MAX) + 5;
    for (let round = 0; round < 5; round += 1) {
      const { owner, receiver } = await make({ windowBytes, totalBytes });
      const acknowledged = () => owner.acknowledged.at(-1) ?? 0;
      // The first frame is shorter, as before the end of a chunk.
      let frame = chance.between(1, Math.min(windowBytes, CONTENT_BYTES_MAX));
      let sent = 0;
      while (receiver.acceptedOffset < totalBytes) {
        while (sent < totalBytes && sent + frame - acknowledged() <= windowBytes) {
          sent += frame;
          frame = Math.min(windowBytes, CONTENT_BYTES_MAX, totalBytes - sent);
        }
        // Everything that was sent is written, and yet nothing more may be sent: a deadlock.
        expect(sent).toBeGreaterThan(receiver.acceptedOffset);
        const from = receiver.acceptedOffset;
        const read = chance.pick([1, 100 * KIB, 300 * KIB + 1, 511 * KIB]);
        receiver.accept(from, CONTENT.subarray(from, Math.min(sent, from + read)));
        await receiver.settle();
      }
      expect(acknowledged()).toBe(totalBytes);
    }
  },
);

test("F5: a write that fails is told once; nothing more is accepted, proved or written", async () => {
  const { owner, file, receiver } = await make();
  file.failure = new FtpxError("DISK_FULL");
  receiver.accept(0, CONTENT.slice(0, 10));
  receiver.accept(10, CONTENT.slice(10, 20));
  await receiver.settle();
  receiver.accept(20, CONTENT.slice(20, 30));
  receiver.prove(7, bytes("00"));

  expect(owner.failures).toEqual([expect.objectContaining({ kind: "DISK_FULL" })]);
  expect(owner.acknowledged).toEqual([]);
  expect(file.writes).toEqual([]);
  expect(receiver.finish()).rejects.toThrow(refusal("DISK_FULL"));
});

test("a defect while writing is INTERNAL, with its cause", async () => {
  const { owner, file, receiver } = await make();
  const cause = new Error("a defect");
  file.failure = cause;
  receiver.accept(0, CONTENT.slice(0, 10));
  await receiver.settle();

  expect(owner.failures).toEqual([expect.objectContaining({ kind: "INTERNAL", cause })]);
});

test("however a receiver ends, its buffers are given back", async () => {
  const before = BUFFERS.usedBytes;
  for (const end of ["failed", "stopped", "finished"]) {
    const { file, receiver } = await make({ totalBytes: 3 * 1024 * KIB });
    if (end === "failed") file.failure = new FtpxError("IO_FAILED");
    receiver.accept(0, CONTENT.slice(0, 3 * 1024 * KIB));
    expect(BUFFERS.usedBytes).toBeGreaterThan(before);
    if (end === "stopped") receiver.stop(new FtpxError("INTERRUPTED"));
    await receiver.finish().catch(() => {});
    expect(BUFFERS.usedBytes).toBe(before);
  }
});

test("stop drops what waits, lets the write under way end and reports nothing any more", async () => {
  const { owner, file, receiver } = await make({ totalBytes: 20 });
  file.hold();
  receiver.accept(0, CONTENT.slice(0, 10));
  receiver.accept(10, CONTENT.slice(10, 20));
  receiver.stop(new FtpxError("TAKEN_OVER"));
  file.release();
  await receiver.settle();

  expect(file.content).toEqual(CONTENT.slice(0, 10));
  expect(owner).toEqual(new Owner());
  expect(receiver.finish()).rejects.toThrow(refusal("TAKEN_OVER"));
});

test("settle waits for writes that come while it waits", async () => {
  const { file, receiver } = await make();
  file.hold();
  receiver.accept(0, CONTENT.slice(0, 10));
  const settled = receiver.settle();
  receiver.accept(10, CONTENT.slice(10, 20));
  file.release();
  await settled;

  expect(file.content).toEqual(CONTENT.slice(0, 20));
});

test("F7, R17: with a disk that takes one byte now and then, the content is exact", async () => {
  const folder = new Folder();
  const real = fs.writev as (...args: unknown[]) => void;
  let calls = 0;
  const short = (fd: number, buffers: Uint8Array[], ...rest: unknown[]): void => {
    calls += 1;
    real(fd, [joined(buffers).subarray(0, calls % 3 === 0 ? 1 : 9000)], ...rest);
  };
  spyOn(fs, "writev").mockImplementation(short as never);
  const file = await folder.open("f");
  const { receiver } = await make({ file, totalBytes: 300_000 });
  await feed(receiver, 0, 300_000, 10_007);
  await receiver.finish();
  await file.close();

  expect(calls).toBeGreaterThan(30);
  expect(Buffer.compare(folder.read("f"), CONTENT.subarray(0, 300_000))).toBe(0);
  folder.remove();
});
