import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { Writer } from "../../src/base/bytes.ts";
import { DETAILS, ERRORS, FtpxError } from "../../src/base/errors.ts";
import type { DetailName, Details, ErrorKind } from "../../src/base/errors.ts";
import { BODY_BYTES_MAX, TEXT_BYTES_MAX } from "../../src/base/limits.ts";
import {
  CONTENT_PREFIX_BYTES,
  decodeContentOffset,
  decodeError,
  decodeHeader,
  encodeError,
  encodeFrame,
  encodeHeader,
  HEADER_BYTES,
  sealContent,
  VERSION,
} from "../../src/wire/frame.ts";
import { hear } from "../support/listener.ts";
import { bytes, hexOf, viewOf } from "../support/octets.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { readVectorLines } from "../support/vectors.ts";

const VECTORS = readVectorLines("frames.txt").map((line) => {
  const [stream = "", outcome = ""] = line.split("=>").map((part) => part.trim());
  return [stream.replaceAll(/\s+/g, " "), outcome] as const;
});

/** What is heard of a stream, in the words of the vectors. */
function outcomeOf(stream: Uint8Array): string {
  const kind = kindOf(() => hear([stream], 0x4_0000));
  if (kind !== "done") return kind;
  const [heard] = hear([stream], 0x4_0000);
  if (heard === undefined) return "nothing";
  if ("content" in heard) return `content ${heard.requestId} ${heard.offset} ${heard.content}`;
  const { command, flags, requestId } = heard.header;
  return `frame ${hexOf(Uint8Array.of(command))} ${flags} ${requestId} ${heard.body || "-"}`;
}

test.each(VECTORS)("D1, D7, I7: stream %s is %s", (stream, outcome) => {
  expect(outcomeOf(bytes(stream))).toBe(outcome);
});

test.each([
  ["every field", "01 20 0001 00000102 00001000", [0x20, 1, 0x102, 0x1000]],
  ["the largest values", "01 ff 0003 ffffffff 00100000", [0xff, 3, 0xffff_ffff, 0x10_0000]],
  ["the smallest values", "01 00 0000 00000000 00000000", [0, 0, 0, 0]],
] as const)("a header with %s is read and written", (_case, octets, fields) => {
  const [command, flags, requestId, bodyBytes] = fields;
  const header = { command, flags, requestId, bodyBytes };
  const written = new Uint8Array(HEADER_BYTES);
  encodeHeader(viewOf(written), header);

  expect(decodeHeader(viewOf(bytes(octets)), 0, BODY_BYTES_MAX)).toEqual(header);
  expect(written).toEqual(bytes(octets));
});

test("every frame begins with the version", () => {
  expect(encodeFrame(0x20, 0, 1, bytes(""))[0]).toBe(VERSION);
  expect(sealContent(new Uint8Array(21), 1, 0, 1)[0]).toBe(VERSION);
});

test("decodeHeader reads at an offset", () => {
  const view = viewOf(bytes("ffffff 01 20 0000 00000001 00000000"));

  expect(decodeHeader(view, 3, BODY_BYTES_MAX)).toMatchObject({ command: 0x20, requestId: 1 });
});

test.each([
  ["a version from the future", "02 20 0000 00000102 00001000", "WRONG_VERSION"],
  ["a flag nobody has defined", "01 20 8001 00000102 00001000", "BAD_FRAME"],
  ["an error that answers nothing", "01 20 0002 00000102 00001000", "BAD_FRAME"],
  ["a body one byte over the limit", "01 20 0000 00000102 00001001", "BODY_TOO_LARGE"],
  ["content one byte over the limit", "01 40 0000 00000102 00001001", "BODY_TOO_LARGE"],
  ["content without content", "01 40 0000 00000102 00000008", "BAD_FRAME"],
  ["content that is a reply", "01 40 0001 00000102 00001000", "BAD_FRAME"],
] as const)("decodeHeader refuses %s", (_case, header, kind) => {
  expect(() => decodeHeader(viewOf(bytes(header)), 0, 0x1000)).toThrow(refusal(kind));
});

test("D1: decodeHeader says what was asked for and what is allowed", () => {
  const view = viewOf(bytes("01 20 0000 00000001 ffffffff"));

  expect(() => decodeHeader(view, 0, 4096)).toThrow(
    refusal("BODY_TOO_LARGE", { neededBytes: 0xffff_ffff, limitBytes: 4096 }),
  );
});

test("encodeFrame puts the body behind its header", () => {
  expect(encodeFrame(0x20, 1, 0x102, bytes("ca fe"))).toEqual(
    bytes("01 20 0001 00000102 00000002 cafe"),
  );
});

test("sealContent writes in front of content that is there, and copies nothing", () => {
  const frame = new Uint8Array(100).fill(0xee);
  const sealed = sealContent(frame, 7, 2 ** 32, 3);

  expect(sealed).toEqual(bytes("01 40 0000 00000007 0000000b 0000000100000000 eeeeee"));
  expect(sealed.buffer).toBe(frame.buffer);
  expect(frame.subarray(CONTENT_PREFIX_BYTES + 3)).toEqual(new Uint8Array(77).fill(0xee));
});

test("I7: no content that a frame can carry leads over 2^53-1", () => {
  const octets = bytes("01 40 0000 00000007 ffffffff 001fffff00000000");
  const offset = decodeContentOffset(viewOf(octets), 0);

  expect(offset + 0xffff_ffff).toBe(Number.MAX_SAFE_INTEGER);
});

const details = fc.record<Record<DetailName, unknown>, never>(
  Object.fromEntries(
    Object.entries(DETAILS).map(([name, { type }]) => [
      name,
      type === "size" ? fc.maxSafeNat() : fc.string({ unit: "grapheme", maxLength: 20 }),
    ]),
  ) as Record<DetailName, fc.Arbitrary<unknown>>,
  { requiredKeys: [] },
);

test("errors of every kind with any details come out as they went in", () => {
  const kind = fc.constantFrom(...(Object.keys(ERRORS) as ErrorKind[]));
  fc.assert(
    fc.property(kind, details, (name, facts) => {
      const found = decodeError(encodeError(new FtpxError(name, facts as Details)), {
        isOperators: true,
      });
      expect(found.kind).toBe(name);
      expect(found.details).toEqual({ ...(facts as Details) });
    }),
  );
});

test("an error is its code and its details, and no English", () => {
  const error = new FtpxError("QUOTA_EXCEEDED", { neededBytes: 258, path: "/é" });

  expect(encodeError(error)).toEqual(bytes("0030 01 0000000000000102 20 0003 2fc3a9"));
  expect(encodeError(new FtpxError("EXISTS"))).toEqual(bytes("0023"));
});

test("details that nobody knows yet are skipped, whatever they hold", () => {
  const body = bytes("0030 1f ffff000000000000 ff 0002 cafe 01 0000000000000005");
  const known = bytes("0030 1f 0000000000000009 fe 0001 61 01 0000000000000005");

  expect(() => decodeError(body)).toThrow(refusal("BAD_BODY"));
  expect(decodeError(known)).toMatchObject({ kind: "QUOTA_EXCEEDED", details: { neededBytes: 5 } });
});

test("a code that nobody knows yet is shown by its number", () => {
  expect(decodeError(bytes("fde8"))).toMatchObject({
    kind: "SERVER_ERROR",
    details: { code: 65_000 },
  });
});

test.each([
  ["nothing", ""],
  ["half a code", "00"],
  ["a detail without its value", "0030 01"],
  ["half a number", "0030 01 00000000"],
  ["a number over 2^53-1", "0030 01 0020000000000000"],
  ["a text that is cut off", "0030 21 0005 6162"],
  ["a text that is not UTF-8", "0030 21 0001 ff"],
])("I6: an error that is %s is refused", (_case, body) => {
  expect(() => decodeError(bytes(body))).toThrow(refusal("BAD_BODY"));
});

test.each([
  ["ASCII", "x".repeat(TEXT_BYTES_MAX + 1), "x".repeat(TEXT_BYTES_MAX)],
  ["two bytes a letter", `x${"é".repeat(TEXT_BYTES_MAX)}`, `x${"é".repeat(255)}`],
  ["three bytes a letter", "日".repeat(TEXT_BYTES_MAX), "日".repeat(170)],
  ["four bytes a letter", `xyz${"🎼".repeat(TEXT_BYTES_MAX)}`, `xyz${"🎼".repeat(127)}`],
  ["just as long as allowed", "é".repeat(TEXT_BYTES_MAX / 2), "é".repeat(TEXT_BYTES_MAX / 2)],
])("a text of %s is cut between characters", (_case, text, expected) => {
  const { details: found } = decodeError(encodeError(new FtpxError("IO_FAILED", { reason: text })));

  expect(found).toEqual({ reason: expected });
});

test("I6: a lone surrogate in a detail does not keep an error from being told", () => {
  const { details: found } = decodeError(encodeError(new FtpxError("EXISTS", { path: "/\ud800" })));

  expect(found).toEqual({ path: "/\ufffd" });
});

test("an error with every detail at its longest fits the body of a stranger's connection", () => {
  const longest = Object.entries(DETAILS).map(([name, { type }]) => [
    name,
    type === "size" ? Number.MAX_SAFE_INTEGER : "é".repeat(TEXT_BYTES_MAX),
  ]);
  const texts = Object.values(DETAILS).filter(({ type }) => type === "text").length;
  const body = encodeError(new FtpxError("INTERNAL", Object.fromEntries(longest) as Details));

  expect(body.byteLength).toBeLessThan(texts * (TEXT_BYTES_MAX + 3) + 9 * longest.length);
  expect(body.byteLength).toBeLessThan(BODY_BYTES_MAX);
});

test("a hostile error body costs no more than its bytes", () => {
  const writer = new Writer();
  writer.u16(48);
  for (let round = 0; round < 10_000; round += 1) {
    writer.u8(1);
    writer.size(round);
  }

  expect(decodeError(writer.finish()).details).toEqual({ neededBytes: 9999 });
});
