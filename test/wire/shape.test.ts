import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { ALGORITHMS } from "../../src/base/digest.ts";
import type { Algorithm } from "../../src/base/digest.ts";
import type { FtpxError } from "../../src/base/errors.ts";
import { BODY_BYTES_MAX, PATH_BYTES_MAX } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { NOTICES } from "../../src/commands/notices.ts";
import { TABLE } from "../../src/commands/table.ts";
import {
  algorithm,
  bytes as bytesOf,
  choice,
  decodeBody,
  digest,
  encodeBody,
  flag,
  listOf,
  optional,
  path,
  record,
  size,
  text,
  u32,
  u8,
} from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import { bytes } from "../support/octets.ts";
import { threadMs } from "../support/process.ts";
import { kindOf, refusal } from "../support/refusal.ts";
import { NOTICE_SAMPLES, SAMPLES } from "../support/samples.ts";

/** What a body from outside may be refused as. */
const REFUSALS = ["done", "BAD_BODY", "BAD_PATH", "OUTSIDE_HOME", "NAME_TOO_LONG"];

/** Every shape that goes over the wire, with a value of it. */
const BODIES: [string, Shape<unknown>, unknown][] = [
  ...Object.entries(TABLE).flatMap(([name, row]): [string, Shape<unknown>, unknown][] => {
    const sample = SAMPLES[name as keyof typeof TABLE];
    return [
      [`request of ${name}`, row.request, sample.request],
      [`reply of ${name}`, row.reply, sample.reply],
    ];
  }),
  ...Object.entries(NOTICES).map(([name, { body }]): [string, Shape<unknown>, unknown] => [
    `notice ${name}`,
    body,
    NOTICE_SAMPLES[name as keyof typeof NOTICES],
  ]),
];

const unicode = fc.string({ unit: "grapheme", maxLength: 12 });
const octets = fc.uint8Array({ maxLength: 24 });
const octetsOf = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const word = fc.constantFrom(...(Object.keys(ALGORITHMS) as Algorithm[]));
const place = fc
  .array(fc.string({ minLength: 1, maxLength: 5 }).map((name) => name.replaceAll(/[/\0]/g, "_")))
  .map((names) => `/${names.join("/")}`)
  .filter((written) => kindOf(() => parsePath(written)) === "done")
  .map(parsePath);

test.each<[string, Shape<unknown>, fc.Arbitrary<unknown>]>([
  ["u8", u8, fc.nat(0xff)],
  ["u32", u32, fc.nat(0xffff_ffff)],
  ["size", size, fc.maxSafeNat()],
  ["flag", flag, fc.boolean()],
  ["bytes", bytesOf(24), octets],
  ["digest", digest, fc.constantFrom(16, 32).chain((length) => octetsOf(length))],
  ["text", text(500), unicode],
  ["path", path, place],
  ["choice", algorithm, word],
  ["optional", optional(text(500)), fc.option(unicode, { nil: undefined })],
  ["list", listOf(size, 30), fc.array(fc.maxSafeNat(), { maxLength: 30 })],
  ["record", record({ a: u8, b: text(500) }), fc.record({ a: fc.nat(0xff), b: unicode })],
  ["empty record", record({}), fc.constant({})],
  [
    "list of records of lists",
    listOf(record({ names: listOf(text(500), 3), isThere: flag }), 4),
    fc.array(fc.record({ names: fc.array(unicode, { maxLength: 3 }), isThere: fc.boolean() }), {
      maxLength: 4,
    }),
  ],
])("shape %s: what was encoded is decoded", (_name, shape, values) => {
  fc.assert(
    fc.property(values, (value) => {
      expect(decodeBody<unknown>(shape, encodeBody(shape, value))).toEqual(value);
    }),
  );
});

test.each<[string, Shape<unknown>, unknown, string]>([
  ["u8", u8, 0xab, "ab"],
  ["u32", u32, 0x0102_0304, "01020304"],
  ["size", size, 2 ** 32 + 1, "0000000100000001"],
  ["flag", flag, true, "01"],
  ["bytes", bytesOf(9), bytes("cafe"), "0002 cafe"],
  ["text", text(9), "é", "0002 c3a9"],
  ["path", path, "/é", "0003 2fc3a9"],
  ["choice", algorithm, "md5", "02"],
  ["optional there", optional(u8), 5, "01 05"],
  ["optional absent", optional(u8), undefined, "00"],
  ["list", listOf(u8, 9), [7, 8], "00000002 07 08"],
  ["record", record({ b: u8, a: u8 }), { a: 1, b: 2 }, "02 01"],
])("shape %s is written as PROTOCOL.md says", (_name, shape, value, octet) => {
  expect(encodeBody(shape, value)).toEqual(bytes(octet));
});

test.each<[string, Shape<unknown>, string]>([
  ["a flag of 2", flag, "02"],
  ["a choice without a meaning", algorithm, "00"],
  ["another one", algorithm, "05"],
  ["bytes over their bound", bytesOf(2), "0003 010203"],
  ["a text over its bound", text(2), "0003 616263"],
  ["a text that is cut off", text(9), "0003 6162"],
  ["a text with a surrogate", text(9), "0003 eda080"],
  ["a text with an overlong form", text(9), "0002 c0af"],
  ["a list over its bound", listOf(u8, 2), "00000003 010203"],
  ["a list that is cut off", listOf(u8, 9), "00000003 0102"],
  ["an optional of 2", optional(u8), "02 01"],
  ["a size of 2^53", size, "0020000000000000"],
  ["a size of -1", size, "ffffffffffffffff"],
  ["a path that is cut off", path, "0002 2f"],
  ["bytes behind the last field", record({ a: u8 }), "01 00"],
  ["bytes behind no field", record({}), "00"],
])("I6, I7: %s is refused", (_case, shape, octet) => {
  expect(() => decodeBody(shape, bytes(octet))).toThrow(refusal("BAD_BODY"));
});

test.each([
  ["that does not begin with a slash", "0001 61", "BAD_PATH"],
  ["that is empty", "0000", "BAD_PATH"],
  ["with a NUL", "0003 2f6100", "BAD_PATH"],
  ["that leads out of the home", "0003 2f2e2e", "OUTSIDE_HOME"],
  ["with a name too long", `0101 2f ${"61".repeat(256)}`, "NAME_TOO_LONG"],
] as const)("P1, P10: a path %s is refused as such", (_case, octet, kind) => {
  expect(() => decodeBody(path, bytes(octet))).toThrow(refusal(kind));
});

test("P7: the longest path fits the wire even when every byte is escaped", () => {
  const longest = parsePath(`/${"\u{10feff}".repeat(255)}`.repeat(15));
  const rest = parsePath(`${longest}/${"\u{10fe80}".repeat(PATH_BYTES_MAX - 15 * 256 - 1)}`);

  expect(decodeBody(path, encodeBody(path, rest))).toBe(rest);
});

test.each<[string, Shape<unknown>, unknown]>([
  ["bytes", bytesOf(1), bytes("0102")],
  ["a text", text(1), "é"],
  ["a list", listOf(u8, 1), [1, 2]],
])("%s of our own that are over their bound are not sent", (_case, shape, value) => {
  expect(() => encodeBody(shape, value)).toThrow(refusal("OUT_OF_RANGE"));
});

test("D1: a list with a false count costs no more than the bytes that are there", () => {
  const shape = listOf(record({ name: text(9), bytes: size }), 0xffff_ffff);
  const beganMs = threadMs();
  for (let round = 0; round < 10_000; round += 1) {
    expect(kindOf(() => decodeBody(shape, bytes("ffffffff 0001 61 00")))).toBe("BAD_BODY");
  }

  expect(threadMs() - beganMs).toBeLessThan(2000);
});

test("a choice of nothing known to objects is refused, whatever its name (I3)", () => {
  const shape = choice({ constructor: 1, toString: 2 });

  expect(decodeBody(shape, bytes("02"))).toBe("toString");
  expect(kindOf(() => decodeBody(shape, bytes("00")))).toBe("BAD_BODY");
});

test.each(BODIES)("%s comes out as it went in, and fits a body", (_name, shape, value) => {
  const body = encodeBody(shape, value);

  expect(decodeBody(shape, body)).toEqual(value);
  expect(body.byteLength).toBeLessThanOrEqual(BODY_BYTES_MAX);
});

test.each(BODIES)("V1: %s, cut off anywhere, is refused", (_name, shape, value) => {
  const body = encodeBody(shape, value);
  for (let end = 0; end < body.byteLength; end += 1) {
    const kind = kindOf(() => decodeBody(shape, body.subarray(0, end)));
    expect(REFUSALS.slice(1)).toContain(kind);
  }
});

test.each(BODIES)("V1: %s with one bit flipped is a value or a refusal", (_name, shape, value) => {
  const body = encodeBody(shape, value);
  for (let bit = 0; bit < body.byteLength * 8; bit += 1) {
    const flipped = body.slice();
    flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
    const kind = kindOf(() => decodeBody(shape, flipped));
    expect(REFUSALS).toContain(kind);
    if (kind !== "done") continue;
    // What passes can be told again, and means the same.
    const found = decodeBody(shape, flipped);
    expect(decodeBody(shape, encodeBody(shape, found))).toEqual(found);
  }
});

test.each(BODIES)(
  "V1: %s with any byte replaced is a value or a refusal",
  (_name, shape, value) => {
    const body = encodeBody(shape, value);
    for (let offset = 0; offset < body.byteLength; offset += 1) {
      for (const octet of [0x00, 0x01, 0x2e, 0x2f, 0x7f, 0x80, 0xc3, 0xff]) {
        const changed = body.slice();
        changed[offset] = octet;
        expect(REFUSALS).toContain(kindOf(() => decodeBody(shape, changed)));
      }
    }
  },
);

test.each(BODIES)("I6: %s with bytes behind it is refused", (_name, shape, value) => {
  const body = encodeBody(shape, value);

  expect(kindOf(() => decodeBody(shape, Buffer.concat([body, Buffer.alloc(1)])))).toBe("BAD_BODY");
});

test.each(BODIES)("V1: %s of random bytes is a value or a refusal", (_name, shape) => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 80 }), (body) => {
      expect(REFUSALS).toContain(kindOf(() => decodeBody(shape, body)));
    }),
  );
});

test("V1: a refused body names what was wrong", () => {
  try {
    decodeBody(record({ a: u8, b: flag, c: size }), bytes("01 07"));
  } catch (error) {
    expect((error as FtpxError).details).toEqual({ reason: "flag is neither 0 nor 1" });
  }
  expect.assertions(1);
});

test("codes of commands and notices are unique in one byte", () => {
  const rows = [...Object.values(TABLE), ...Object.values(NOTICES)].map(({ code }) => code);

  expect(new Set([...rows, 0x02, 0x40]).size).toBe(rows.length + 2);
  expect(rows.filter((code) => code < 1 || code > 0xff)).toEqual([]);
});

test("a page of names and a page of digests fit a body at their longest", () => {
  const name = "\u{10feff}".repeat(255);
  const entry = { name, kind: "file", bytes: 2 ** 53 - 1, modifiedMs: 2 ** 53 - 1 } as const;
  const page = { entries: Array.from({ length: 800 }, () => entry), cursor: 1 };
  const digests = { digests: Array.from({ length: 4096 }, () => new Uint8Array(32)) };

  expect(encodeBody(TABLE.list.reply, page).byteLength).toBeLessThanOrEqual(BODY_BYTES_MAX);
  expect(encodeBody(TABLE.partDigests.reply, digests).byteLength).toBeLessThanOrEqual(
    BODY_BYTES_MAX,
  );
});

test("the notation of a list says where a record in it begins and ends", () => {
  const shape = record({ all: listOf(record({ a: u8, b: u8 }), 4), more: u8, few: listOf(u8, 2) });

  expect(shape.notation).toBe("all: list ≤ 4 of { a: u8; b: u8 }; more: u8; few: list ≤ 2 of u8");
});
