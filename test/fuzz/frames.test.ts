import { expect, test } from "bun:test";
import { UNSIGNED_BODY_BYTES_MAX } from "../../src/base/limits.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import { Chance, drawSeed } from "../support/chance.ts";
import { bytes } from "../support/octets.ts";
import { checkBody } from "./bodies.ts";
import { CORPUS } from "./corpus.ts";
import { fuzz, Judge, parse } from "./frames.ts";
import type { MakeParser } from "./frames.ts";
import { smallMutation, smallMutationCount } from "./mutation.ts";
import { withWatch } from "./reservations.ts";
import { Transcript } from "./transcript.ts";

test("V1: every frame that the fuzzer begins with is valid", () => {
  for (const frame of CORPUS) {
    const transcript = new Transcript(checkBody);
    const refusal = parse([frame], transcript);
    expect([transcript.frameCount, refusal]).toEqual([1, undefined]);
  }
});

test("V1: the small mutations of three bytes are all that there are, each once", () => {
  const valid = bytes("00 7f ff");
  const count = smallMutationCount(3);
  const made = Array.from({ length: count }, (_, index) => smallMutation(valid, index));
  const texts = new Set(made.map((octets) => Buffer.from(octets).toString("hex")));
  const singles = 3 * 255;
  // Two bits of one byte are another value of that byte, too; nothing of it is left in two ways.
  const pairsInOneByte = 3 * 28;

  expect(count).toBe(singles + (24 * 23) / 2 + 6);
  expect(texts.size).toBe(count - pairsInOneByte);
  expect(texts.has("007fff")).toBe(true);
});

test("V1, I6, I7, D1: mutations of frames are heard the same however they are cut, or refused", () => {
  const { inputs, small } = fuzz({ seed: drawSeed(), count: 10_000 });

  expect([inputs, small >= 4900]).toEqual([10_000, true]);
});

/** Defects as they come. */
test.each<[string, MakeParser]>([
  [
    "forgets a read of one byte that is zero",
    (sink, bodyBytesMax) => {
      const deframer = new Deframer(sink, bodyBytesMax);
      return {
        push(received) {
          if (received.byteLength !== 1 || received[0] !== 0) deframer.push(received);
        },
      };
    },
  ],
  [
    "lets content begin anew at each read",
    (sink, bodyBytesMax) =>
      new Deframer(
        {
          frame: (header, body) => sink.frame(header, body),
          content: (id, _offset, piece) => sink.content(id, 0, piece),
        },
        bodyBytesMax,
      ),
  ],
])("V1 bites: a parser that %s is found out", (_case, make) => {
  expect(() => fuzz({ seed: drawSeed(), count: 20_000 }, make)).toThrow("seed");
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
])("V1 bites: a parser that %s is found out at once", (_case, make) => {
  const input = bytes("01 20 0000 00000001 ffffffff");
  const judge = () => withWatch((watch) => new Judge(new Chance(1), watch, make).judge(input));

  expect(judge).toThrow();
});
