import { expect, test } from "bun:test";
import {
  BODY_BYTES_MAX,
  CONTENT_BYTES_MAX,
  UNSIGNED_BODY_BYTES_MAX,
} from "../../src/base/limits.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import type { FrameSink } from "../../src/wire/deframer.ts";
import { CONTENT_PREFIX_BYTES, encodeFrame, sealContent } from "../../src/wire/frame.ts";
import { record, text, decodeBody, bytes as bytesOf } from "../../src/wire/shape.ts";
import { withChance } from "../support/chance.ts";
import { byteByByte, cutAt, cutByChance } from "../support/cuts.ts";
import { hear, Listener } from "../support/listener.ts";
import type { Heard } from "../support/listener.ts";
import { bytes, hexOf, joined } from "../support/octets.ts";
import { threadMs } from "../support/process.ts";
import { kindOf, refusal } from "../support/refusal.ts";

/** Frames of every sort behind one another: with and without body, content before and between. */
const STREAM = bytes(`
  01 20 0000 00000001 00000000
  01 21 0000 00000002 00000003 aabbcc
  01 40 0000 00000002 0000000b 0000000000000000 010203
  01 40 0000 00000002 0000000a 0000000000000003 0405
  01 40 0000 00000003 00000009 0000000000000003 06
  01 22 0001 00000004 00000001 dd
  01 02 0003 00000000 00000002 0011
`);

const HEARD: Heard[] = [
  { header: { command: 0x20, flags: 0, requestId: 1, bodyBytes: 0 }, body: "" },
  { header: { command: 0x21, flags: 0, requestId: 2, bodyBytes: 3 }, body: "aabbcc" },
  { requestId: 2, offset: 0, content: "0102030405" },
  { requestId: 3, offset: 3, content: "06" },
  { header: { command: 0x22, flags: 1, requestId: 4, bodyBytes: 1 }, body: "dd" },
  { header: { command: 0x02, flags: 3, requestId: 0, bodyBytes: 2 }, body: "0011" },
];

/** Sink that does one thing with every body and every piece. */
function sinkOf(
  onBody: (body: Uint8Array) => void,
  onPiece: (piece: Uint8Array) => void = () => {},
): FrameSink {
  return {
    frame: (_header, body) => onBody(body),
    content: (_requestId, _offset, piece) => onPiece(piece),
  };
}

function contentFrame(requestId: number, offset: number, content: Uint8Array): Uint8Array {
  const frame = joined([new Uint8Array(CONTENT_PREFIX_BYTES), content]);
  return sealContent(frame, requestId, offset, content.byteLength);
}

test("deframer gives the same frames wherever the stream is cut", () => {
  for (let a = 0; a <= STREAM.byteLength; a += 1) {
    for (let b = a; b <= STREAM.byteLength; b += 1) {
      expect(hear(cutAt(STREAM, [a, b]), BODY_BYTES_MAX)).toEqual(HEARD);
    }
  }
});

test("deframer gives the same frames when every byte comes alone", () => {
  expect(hear(byteByByte(STREAM), BODY_BYTES_MAX)).toEqual(HEARD);
});

test("deframer takes empty reads for nothing", () => {
  const nothing = new Uint8Array(0);
  const pieces = byteByByte(STREAM).flatMap((piece) => [nothing, piece, nothing]);

  expect(hear(pieces, BODY_BYTES_MAX)).toEqual(HEARD);
});

test("deframer gives the same frames of a long stream however it is cut", async () => {
  await withChance((chance) => {
    for (let round = 0; round < 50; round += 1) {
      const frames = Array.from({ length: 20 }, (_hole, index) => {
        const body = chance.bytes(chance.pick([0, 1, 8, 300, 17_000, 70_000]));
        const isContent = body.byteLength > 0 && chance.percent(50);
        return isContent
          ? contentFrame(index, chance.below(2 ** 40), body)
          : encodeFrame(0x20, 0, index, body);
      });
      const stream = joined(frames);

      expect(hear(cutByChance(stream, chance), BODY_BYTES_MAX)).toEqual(
        hear([stream], BODY_BYTES_MAX),
      );
    }
  });
});

test("content is handed on as views into what was pushed, and never gathered", () => {
  const content = new Uint8Array(100_000).map((_octet, index) => index % 251);
  const pushed = cutAt(contentFrame(1, 5, content), [7, 13, 19, 20, 21, 50_000]);
  const listener = new Listener();
  const deframer = new Deframer(listener, BODY_BYTES_MAX);
  for (const piece of pushed) deframer.push(piece);
  const buffers = new Set<ArrayBufferLike>(pushed.map(({ buffer }) => buffer));

  expect(listener.pieces.filter(({ buffer }) => !buffers.has(buffer))).toEqual([]);
  expect(listener.pieces.filter(({ byteLength }) => byteLength === 0)).toEqual([]);
  expect(listener.heard).toEqual([{ requestId: 1, offset: 5, content: hexOf(content) }]);
});

test("content comes at once, before the rest of its frame is there", () => {
  const frame = contentFrame(9, 0, bytes("01 02 03 04"));

  expect(hear([frame.slice(0, 22)], BODY_BYTES_MAX)).toEqual([
    { requestId: 9, offset: 0, content: "0102" },
  ]);
});

test("a frame that lies whole in one read is handed on as a view into it", () => {
  const pushed = encodeFrame(0x20, 0, 1, bytes("01 02 03"));
  const bodies: Uint8Array[] = [];
  new Deframer(
    sinkOf((body) => bodies.push(body)),
    BODY_BYTES_MAX,
  ).push(pushed);

  expect(bodies.map(({ buffer }) => buffer)).toEqual([pushed.buffer]);
});

test("a gathered body is whole when it is handed on, though the next one comes to its place", () => {
  const frames = Array.from({ length: 6 }, (_hole, index) =>
    encodeFrame(0x20, 0, index, new Uint8Array(50 + index).fill(index)),
  );
  const seen: string[] = [];
  const kept: Uint8Array[] = [];
  const deframer = new Deframer(
    sinkOf((body) => {
      seen.push(hexOf(body));
      kept.push(body);
    }),
    BODY_BYTES_MAX,
  );
  for (const piece of byteByByte(joined(frames))) deframer.push(piece);

  expect(seen).toEqual(frames.map((frame) => hexOf(frame.subarray(12))));
  // It bites: what was lent is another frame's by now.
  expect(kept.map((body) => hexOf(body))).not.toEqual(seen);
});

test("what was decoded from a lent body stays when the body is overwritten", () => {
  const shape = record({ name: text(20), digest: bytesOf(20) });
  const frame = encodeFrame(0x20, 0, 1, bytes("0002 c3a9 0003 010203"));
  const values: unknown[] = [];
  new Deframer(
    sinkOf((body) => values.push(decodeBody(shape, body))),
    BODY_BYTES_MAX,
  ).push(frame);
  frame.fill(0xff);

  expect(values).toEqual([{ name: "é", digest: bytes("01 02 03") }]);
});

test("content may be kept: nothing writes into what was pushed", () => {
  const frames = Array.from({ length: 40 }, (_hole, index) =>
    contentFrame(1, index * 300, new Uint8Array(300).fill(index)),
  );
  const stream = joined(frames);
  const copy = stream.slice();
  const pieces: Uint8Array[] = [];
  const deframer = new Deframer(
    sinkOf(
      () => {},
      (piece) => pieces.push(piece),
    ),
    BODY_BYTES_MAX,
  );
  for (let offset = 0; offset < stream.byteLength; offset += 77) {
    deframer.push(stream.subarray(offset, offset + 77));
  }

  expect(stream).toEqual(copy);
  expect(hexOf(joined(pieces))).toBe(frames.map((frame) => hexOf(frame.subarray(20))).join(""));
});

test.each([
  ["at the bound", UNSIGNED_BODY_BYTES_MAX, "done"],
  ["one byte over it", UNSIGNED_BODY_BYTES_MAX + 1, "BODY_TOO_LARGE"],
] as const)("D1: a stranger's body %s", (_case, size, outcome) => {
  const frame = encodeFrame(0x01, 0, 1, new Uint8Array(size));

  expect(kindOf(() => hear([frame], UNSIGNED_BODY_BYTES_MAX))).toBe(outcome);
  expect(kindOf(() => hear(byteByByte(frame), UNSIGNED_BODY_BYTES_MAX))).toBe(outcome);
});

test("a bound that is widened inside a frame holds for the next one, in the same read", () => {
  const small = encodeFrame(0x11, 0, 1, new Uint8Array(10));
  const large = encodeFrame(0x20, 0, 2, new Uint8Array(5000));
  const sizes: number[] = [];
  const deframer: Deframer = new Deframer(
    sinkOf((body) => {
      sizes.push(body.byteLength);
      deframer.bodyBytesMax = BODY_BYTES_MAX;
    }),
    UNSIGNED_BODY_BYTES_MAX,
  );
  deframer.push(joined([small, large]));

  expect(sizes).toEqual([10, 5000]);
});

test("D1: a huge length is refused from the header alone, and nothing is reserved for it", () => {
  const header = bytes("01 20 0000 00000001 ffffffff");
  hear([encodeFrame(0x20, 0, 1, bytes(""))], BODY_BYTES_MAX);
  const before = process.memoryUsage().arrayBuffers;
  const deframers = Array.from(
    { length: 1000 },
    () => new Deframer(new Listener(), BODY_BYTES_MAX),
  );
  for (const deframer of deframers) {
    expect(() => deframer.push(header)).toThrow(refusal("BODY_TOO_LARGE"));
  }

  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2 * 1024 * 1024);
});

test("D1: a huge length is refused when its header comes byte by byte, at its last byte", () => {
  const header = bytes("01 20 0000 00000001 00100001");
  const deframer = new Deframer(new Listener(), BODY_BYTES_MAX);
  for (const octet of byteByByte(header.subarray(0, 11))) deframer.push(octet);

  expect(() => deframer.push(header.subarray(11))).toThrow(refusal("BODY_TOO_LARGE"));
});

test("a large body that was gathered does not keep its memory", () => {
  const before = process.memoryUsage().arrayBuffers;
  const frame = encodeFrame(0x20, 0, 1, new Uint8Array(BODY_BYTES_MAX));
  const deframers = Array.from({ length: 50 }, () => {
    const deframer = new Deframer(
      sinkOf(() => {}),
      BODY_BYTES_MAX,
    );
    deframer.push(frame.subarray(0, 100));
    deframer.push(frame.subarray(100));
    return deframer;
  });
  Bun.gc(true);

  expect(deframers).toHaveLength(50);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10 * BODY_BYTES_MAX);
});

test("two content frames back to back keep their ids and offsets", () => {
  const listener = new Listener();
  const stream = joined([contentFrame(1, 100, bytes("01 02")), contentFrame(2, 7, bytes("03"))]);
  new Deframer(listener, BODY_BYTES_MAX).push(stream);

  expect(listener.heard).toEqual([
    { requestId: 1, offset: 100, content: "0102" },
    { requestId: 2, offset: 7, content: "03" },
  ]);
});

test("the largest content frame passes, in pieces of what comes in", () => {
  const content = new Uint8Array(CONTENT_BYTES_MAX).fill(7);
  let receivedBytes = 0;
  const sink = sinkOf(
    () => {},
    (piece) => (receivedBytes += piece.byteLength),
  );
  const deframer = new Deframer(sink, BODY_BYTES_MAX);
  const frame = contentFrame(1, 0, content);
  for (let offset = 0; offset < frame.byteLength; offset += 65_536) {
    deframer.push(frame.subarray(offset, offset + 65_536));
  }

  expect(receivedBytes).toBe(CONTENT_BYTES_MAX);
});

test("D7: a million empty frames cost time and no memory", () => {
  const empty = bytes("01 20 0000 00000001 00000000");
  const pushed = joined(Array.from({ length: 10_000 }, () => empty));
  let count = 0;
  const deframer = new Deframer(
    sinkOf(() => (count += 1)),
    BODY_BYTES_MAX,
  );
  const beganMs = threadMs();
  for (let round = 0; round < 100; round += 1) deframer.push(pushed);

  expect(count).toBe(1_000_000);
  expect(threadMs() - beganMs).toBeLessThan(5000);
});

test("what the sink throws comes out of push", () => {
  const sink = sinkOf(() => {
    throw new Error("of the sink");
  });

  expect(() => new Deframer(sink, BODY_BYTES_MAX).push(STREAM)).toThrow("of the sink");
});
