import { expect, test } from "bun:test";
import * as fc from "fast-check";
import { checkSize, free, isSameBytes, Reader, Writer } from "../../src/base/bytes.ts";
import { bytes } from "../support/octets.ts";
import { refusal } from "../support/refusal.ts";

test("Reader reads numbers big-endian, bytes and texts, in their order", () => {
  const reader = new Reader(bytes("01 0203 04050607 0000000100000000 cafe c3a9"));

  expect(reader.u8()).toBe(0x01);
  expect(reader.u16()).toBe(0x0203);
  expect(reader.u32()).toBe(0x04050607);
  expect(reader.size()).toBe(2 ** 32);
  expect(reader.bytes(2)).toEqual(bytes("cafe"));
  expect(reader.text(2)).toBe("é");
  expect(reader.remainingBytes).toBe(0);
  reader.finish();
});

test("Reader reads a view that begins in the middle of its buffer", () => {
  const reader = new Reader(bytes("ffff 0102 ffff").subarray(2, 4));

  expect(reader.u16()).toBe(0x0102);
  reader.finish();
});

test("Reader hands bytes on as a view, without a copy", () => {
  const source = bytes("01 02 03");

  expect(new Reader(source).bytes(2).buffer).toBe(source.buffer);
});

test.each([
  ["u8", "", (reader: Reader) => reader.u8(), 0],
  ["u16", "01", (reader: Reader) => reader.u16(), 0],
  ["u32", "010203", (reader: Reader) => reader.u32(), 0],
  ["size", "01020304050607", (reader: Reader) => reader.size(), 0],
  ["text", "61", (reader: Reader) => reader.text(2), ""],
] as const)(
  "Reader: a %s that is cut off is nothing, and fails",
  (_case, octets, read, nothing) => {
    const reader = new Reader(bytes(octets));

    expect(read(reader)).toBe(nothing);
    expect(reader.hasFailed).toBeTrue();
    expect(() => reader.finish()).toThrow(refusal("BAD_BODY", { reason: "body ends too early" }));
  },
);

test("Reader's first failure sticks, and nothing is read after it", () => {
  const reader = new Reader(bytes("ff 0000000000000001"));

  expect(reader.text(1)).toBe("");
  expect(reader.size()).toBe(0);
  expect(reader.bytes(1)).toEqual(new Uint8Array(0));
  expect(reader.fail("later", 7)).toBe(7);
  expect(() => reader.finish()).toThrow(refusal("BAD_BODY", { reason: "text is not UTF-8" }));
});

test("I6: Reader refuses bytes that are left over", () => {
  const reader = new Reader(bytes("01 02"));
  reader.u8();

  expect(() => reader.finish()).toThrow(refusal("BAD_BODY", { reason: "bytes are left over" }));
});

test.each([
  ["2^53", "0020000000000000"],
  ["2^63", "8000000000000000"],
  ["2^64-1, or -1", "ffffffffffffffff"],
])("I6: Reader refuses %s as a size", (_case, octets) => {
  const reader = new Reader(bytes(octets));

  expect(reader.size()).toBe(0);
  expect(() => reader.finish()).toThrow(refusal("BAD_BODY", { reason: "number over 2^53-1" }));
});

test.each([
  ["an overlong form", "c0af"],
  ["a surrogate", "eda080"],
  ["a stray byte", "61ff"],
  ["a character cut off", "61e282"],
  ["a code point beyond Unicode", "f4908080"],
])("I6: Reader refuses a text with %s", (_case, octets) => {
  const reader = new Reader(bytes(octets));
  reader.text(reader.remainingBytes);

  expect(() => reader.finish()).toThrow(refusal("BAD_BODY", { reason: "text is not UTF-8" }));
});

test("Reader keeps a byte order mark, so that texts have one spelling", () => {
  expect(new Reader(bytes("efbbbf61")).text(4)).toBe("\ufeffa");
});

test("Writer writes what Reader reads, and grows as it must", () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant("u8" as const), value: fc.nat(0xff) }),
    fc.record({ type: fc.constant("u16" as const), value: fc.nat(0xffff) }),
    fc.record({ type: fc.constant("u32" as const), value: fc.nat(0xffff_ffff) }),
    fc.record({ type: fc.constant("size" as const), value: fc.maxSafeNat() }),
  );
  fc.assert(
    fc.property(fc.array(step), fc.uint8Array({ maxLength: 300 }), (steps, tail) => {
      const writer = new Writer(1);
      for (const { type, value } of steps) writer[type](value);
      writer.bytes(tail);
      const written = writer.finish();
      const reader = new Reader(written);

      expect(written.byteLength).toBe(writer.byteLength);
      expect(steps.map(({ type }) => reader[type]())).toEqual(steps.map(({ value }) => value));
      expect(reader.bytes(tail.byteLength)).toEqual(tail);
      reader.finish();
    }),
  );
});

test("isSameBytes compares content and length", () => {
  expect(isSameBytes(bytes("0102"), bytes("ff0102").subarray(1))).toBeTrue();
  expect(isSameBytes(bytes("0102"), bytes("0103"))).toBeFalse();
  expect(isSameBytes(bytes("0102"), bytes("010200"))).toBeFalse();
  expect(isSameBytes(bytes(""), bytes(""))).toBeTrue();
});

test.each([0, 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1])("R16, I7: checkSize accepts %p", (value) => {
  expect(checkSize(value, "offset")).toBe(value);
});

test.each([-1, Number.NaN, 1.5, 2 ** 53, Number.POSITIVE_INFINITY, 2n, undefined, null, "1"])(
  "R16, I7: checkSize refuses %p",
  (value) => {
    expect(() => checkSize(value, "offset")).toThrow(refusal("OUT_OF_RANGE", { reason: "offset" }));
  },
);

test("free gives the memory of a large read back, and leaves what is part of something alone", () => {
  const read = new Uint8Array(64 * 1024);
  const part = new Uint8Array(64 * 1024).subarray(1);
  free(read);
  free(part);

  expect(read.buffer.byteLength).toBe(0);
  expect(part.byteLength).toBe(64 * 1024 - 1);
});
