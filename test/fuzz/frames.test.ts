import { expect, test } from "bun:test";
import { UNSIGNED_BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import { Chance, drawSeed } from "../support/chance.ts";
import { bytes } from "../support/octets.ts";
import { CANARY, check, CORPUS, fuzz, parse } from "./frames.ts";
import type { MakeParser } from "./frames.ts";

const REAL: MakeParser = (sink, bodyBytesMax) => new Deframer(sink, bodyBytesMax);

test("V1: every frame that the fuzzer begins with is valid", () => {
  for (const frame of CORPUS) {
    const { heard, refusal } = parse([frame], REAL);
    expect([heard.length, refusal]).toEqual([1, undefined]);
  }
});

test("V1: small mutations of every frame are heard the same however they are cut, or refused", () => {
  const inputs = fuzz({ seed: drawSeed(), count: 0, isExhaustive: true });

  expect(inputs).toBeGreaterThan(20_000);
});

test("V1: mutations of chance are heard the same however they are cut, or refused", () => {
  expect(fuzz({ seed: drawSeed(), count: 10_000, isExhaustive: false })).toBe(10_000);
});

test("V1 bites: a parser that forgets a byte now and then is found out", () => {
  expect(() => fuzz({ seed: drawSeed(), count: 2000, isExhaustive: false }, CANARY)).toThrow(
    "seed",
  );
});

test.each<[string, MakeParser]>([
  [
    "reserves what a header says before it looks at it",
    (sink, bodyBytesMax) => {
      const deframer = new Deframer(sink, bodyBytesMax);
      return {
        push(received) {
          new Uint8Array(UNSIGNED_BODY_BYTES_MAX * 16).set(received.subarray(0, 1));
          deframer.push(received);
        },
      };
    },
  ],
  [
    "throws something of its own",
    () => ({
      push() {
        throw new RangeError("out of bounds");
      },
    }),
  ],
])("V1 bites: a parser that %s is found out", (_case, make) => {
  expect(() => check(bytes("01 20 0000 00000001 ffffffff"), new Chance(1), make)).toThrow();
});
