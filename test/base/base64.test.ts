import { expect, test } from "bun:test";
import * as fc from "fast-check";
import {
  decodeBareBase64,
  decodeBase64,
  encodeBareBase64,
  encodeBase64,
} from "../../src/base/base64.ts";

test("base64 of any bytes is read back, with and without padding", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 70 }), (bytes) => {
      expect(Uint8Array.from(decodeBase64(encodeBase64(bytes)) ?? [])).toEqual(bytes);
      expect(Uint8Array.from(decodeBareBase64(encodeBareBase64(bytes)) ?? [])).toEqual(bytes);
    }),
  );
});

test.each([
  ["a space", "AAAA AAA"],
  ["a line break", "AAAA\n"],
  ["the alphabet for URLs", "-_-_"],
  ["padding in the middle", "AA==AAAA"],
  ["padding too much", "AAAA="],
  ["bits behind the last byte", "AB=="],
  ["a lone character", "A"],
  ["letters that are not ASCII", "ÄÖÜß"],
])("base64 with %s is refused", (_case, text) => {
  expect(decodeBase64(text)).toBeUndefined();
  expect(decodeBareBase64(text)).toBeUndefined();
});

test("base64 is refused with padding where it is bare, and without where it is not", () => {
  expect(decodeBareBase64("AA==")).toBeUndefined();
  expect(decodeBase64("AA")).toBeUndefined();
});
