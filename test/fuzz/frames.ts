/**
 * V1: mutated frames into the parser, in process.
 *
 *   bun test/fuzz/frames.ts [--seed N] [--count N] [--canary]
 *
 * First every valid frame with each bit flipped, each byte replaced, cut off everywhere;
 * then inputs of chance. Of each input: however it is cut into reads, the same is heard and
 * the same is refused; nothing but the parser's own refusals is thrown, by the parser and by
 * every body; and nothing larger than the bound is reserved. With --canary a parser that
 * has a defect is used, and the run must fail.
 */
import { FtpxError } from "../../src/base/errors.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { NOTICE_OF_CODE, NOTICES } from "../../src/commands/notices.ts";
import { COMMAND_OF_CODE, TABLE } from "../../src/commands/table.ts";
import type { CommandName } from "../../src/commands/table.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import type { FrameSink } from "../../src/wire/deframer.ts";
import {
  CONTENT_PREFIX_BYTES,
  decodeError,
  encodeError,
  encodeFrame,
  FLAG_ERROR,
  FLAG_REPLY,
  HEADER_BYTES,
  PING,
  sealContent,
} from "../../src/wire/frame.ts";
import type { Header } from "../../src/wire/frame.ts";
import { decodeBody, encodeBody } from "../../src/wire/shape.ts";
import type { Shape } from "../../src/wire/shape.ts";
import { Chance, drawSeed } from "../support/chance.ts";
import { cutByChance } from "../support/cuts.ts";
import { Listener } from "../support/listener.ts";
import type { Heard } from "../support/listener.ts";
import { bytes, hexOf, joined, viewOf } from "../support/octets.ts";
import { NOTICE_SAMPLES, SAMPLES } from "../support/samples.ts";

export interface Parser {
  push(received: Uint8Array): void;
}

export type MakeParser = (sink: FrameSink, bodyBytesMax: number) => Parser;

interface Outcome {
  readonly heard: Heard[];
  readonly refusal: ErrorKind | undefined;
}

const BOUND_BYTES = 4096;
const OF_FRAMES: readonly ErrorKind[] = [
  "WRONG_VERSION",
  "BAD_FRAME",
  "BODY_TOO_LARGE",
  "OUT_OF_RANGE",
];
const OF_BODIES: readonly ErrorKind[] = ["BAD_BODY", "BAD_PATH", "OUTSIDE_HOME", "NAME_TOO_LONG"];
/** What parsers stumble over, in four bytes. */
const LIES = [0, 1, 7, 8, 9, 0xff, BOUND_BYTES, BOUND_BYTES + 1, 0x7fff_ffff, 0xffff_ffff] as const;

/** Each valid frame once. */
export const CORPUS: readonly Uint8Array[] = makeCorpus();

export function parse(pieces: readonly Uint8Array[], make: MakeParser): Outcome {
  const listener = new Listener();
  const parser = make(listener, BOUND_BYTES);
  try {
    for (const piece of pieces) parser.push(piece);
    return { heard: listener.heard, refusal: undefined };
  } catch (error) {
    return { heard: listener.heard, refusal: kindAmong(error, OF_FRAMES) };
  }
}

/** @throws Error with what was wrong of the input */
export function check(input: Uint8Array, chance: Chance, make: MakeParser): void {
  const largest = watchReservations(() => {
    const whole = parse([input], make);
    const cut = parse(cutByChance(input, chance), make);
    if (JSON.stringify(whole) !== JSON.stringify(cut)) {
      throw new Error(`cut differently: ${JSON.stringify(whole)} and ${JSON.stringify(cut)}`);
    }
    for (const heard of whole.heard)
      if ("header" in heard) checkBody(heard.header, bytes(heard.body));
  });
  const boundBytes = Math.max(HEADER_BYTES + BOUND_BYTES, 2 * input.byteLength);
  if (largest > boundBytes) throw new Error(`reserved ${largest} bytes at once`);
}

/** Any body is a value or a refusal of its shape, whichever row it is for. */
function checkBody({ command, flags }: Header, body: Uint8Array): void {
  const row = COMMAND_OF_CODE.get(command);
  const notice = NOTICE_OF_CODE.get(command);
  try {
    if ((flags & FLAG_ERROR) !== 0) decodeError(body);
    else if (notice !== undefined) decodeBody<unknown>(NOTICES[notice].body, body);
    else if (row !== undefined) {
      decodeBody((flags & FLAG_REPLY) === 0 ? row.request : row.reply, body);
    }
  } catch (error) {
    kindAmong(error, OF_BODIES);
  }
}

function kindAmong(error: unknown, kinds: readonly ErrorKind[]): ErrorKind {
  if (error instanceof FtpxError && kinds.includes(error.kind)) return error.kind;
  throw new Error(`thrown: ${String(error)}`, { cause: error });
}

/** The most bytes that `work` reserves in one array. */
function watchReservations(work: () => void): number {
  const real = globalThis.Uint8Array;
  let largest = 0;
  globalThis.Uint8Array = new Proxy(real, {
    construct(target, args: unknown[], newTarget): object {
      if (typeof args[0] === "number") largest = Math.max(largest, args[0]);
      return Reflect.construct(
        target,
        args,
        newTarget === globalThis.Uint8Array ? real : newTarget,
      ) as object;
    },
  });
  try {
    work();
  } finally {
    globalThis.Uint8Array = real;
  }
  return largest;
}

/** All inputs that differ from a valid frame in one small thing. */
export function* smallMutations(frame: Uint8Array): Generator<Uint8Array> {
  for (let bit = 0; bit < frame.byteLength * 8; bit += 1) yield flipped(frame, bit);
  for (let offset = 0; offset < frame.byteLength; offset += 1) {
    for (const octet of [0x00, 0x01, 0x7f, 0x80, 0xff]) {
      const other = frame.slice();
      other[offset] = octet;
      yield other;
    }
  }
  for (let end = 0; end < frame.byteLength; end += 1) {
    yield frame.slice(0, end);
    yield frame.slice(end);
  }
}

/** A few valid frames behind one another, changed in a few places. */
export function mutate(chance: Chance): Uint8Array {
  let input = joined(Array.from({ length: chance.between(1, 4) }, () => anyFrame(chance)));
  for (let changes = chance.between(0, 3); changes > 0; changes -= 1) {
    input = changed(input, chance);
  }
  return input;
}

function changed(input: Uint8Array<ArrayBuffer>, chance: Chance): Uint8Array<ArrayBuffer> {
  if (input.byteLength < HEADER_BYTES) return input;
  const place = chance.below(input.byteLength);
  switch (chance.below(8)) {
    case 0:
      return flipped(input, place * 8 + chance.below(8));
    case 1:
      return flipped(flipped(input, place * 8), chance.below(input.byteLength * 8));
    case 2:
    case 3: {
      const other = input.slice();
      other.set(chance.bytes(Math.min(chance.between(1, 2), other.byteLength - place)), place);
      return other;
    }
    case 4:
      return input.slice(0, place);
    case 5:
      return input.slice(place);
    case 6:
      return joined([input.subarray(0, place), anyFrame(chance), input.subarray(place)]);
    default: {
      // The body length of the first frame, or four bytes of something else, lies.
      const other = input.slice();
      const field = chance.percent(50) ? 8 : Math.min(place, other.byteLength - 4);
      viewOf(other).setUint32(field, chance.pick(LIES));
      return other;
    }
  }
}

function flipped(frame: Uint8Array, bit: number): Uint8Array<ArrayBuffer> {
  const other = new Uint8Array(frame);
  other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
  return other;
}

function anyFrame(chance: Chance): Uint8Array {
  return CORPUS[chance.below(CORPUS.length)] ?? new Uint8Array(0);
}

function makeCorpus(): Uint8Array[] {
  const frames = [encodeFrame(PING, 0, 7, bytes("")), encodeFrame(PING, FLAG_REPLY, 7, bytes(""))];
  let id = 1;
  for (const name of Object.keys(TABLE) as CommandName[]) {
    const { code, request, reply } = TABLE[name];
    const sample = SAMPLES[name];
    frames.push(encodeFrame(code, 0, id, encodeBody(request as Shape<unknown>, sample.request)));
    frames.push(
      encodeFrame(code, FLAG_REPLY, id, encodeBody(reply as Shape<unknown>, sample.reply)),
    );
    id += 1;
  }
  for (const [name, { code, body }] of Object.entries(NOTICES)) {
    const sample = NOTICE_SAMPLES[name as keyof typeof NOTICES];
    frames.push(encodeFrame(code, 0, id, encodeBody(body as Shape<unknown>, sample)));
  }
  const error = new FtpxError("QUOTA_EXCEEDED", { neededBytes: 5, path: "/é" });
  frames.push(encodeFrame(0x30, FLAG_REPLY | FLAG_ERROR, id, encodeError(error)));
  for (const contentBytes of [1, 2, 40]) {
    const frame = new Uint8Array(CONTENT_PREFIX_BYTES + contentBytes).fill(contentBytes);
    frames.push(sealContent(frame, id, 2 ** 40, contentBytes));
  }
  return frames;
}

/** Runs inputs, all small mutations first when asked for. @throws Error with seed and input */
export function fuzz(
  { seed, count, isExhaustive }: { seed: number; count: number; isExhaustive: boolean },
  make: MakeParser = (sink, bodyBytesMax) => new Deframer(sink, bodyBytesMax),
): number {
  const chance = new Chance(seed);
  let inputs = 0;
  const run = (input: Uint8Array): void => {
    inputs += 1;
    try {
      check(input, chance, make);
    } catch (error) {
      throw new Error(`seed ${seed}, input ${inputs}: ${hexOf(input)}`, { cause: error });
    }
  };
  for (const frame of isExhaustive ? CORPUS : []) {
    for (const input of smallMutations(frame)) run(input);
  }
  const left = Math.max(0, count - inputs);
  for (let round = 0; round < left; round += 1) run(mutate(chance));
  return inputs;
}

/** A defect as they come: forgets a read of one byte that is zero. */
export const CANARY: MakeParser = (sink, bodyBytesMax) => {
  const deframer = new Deframer(sink, bodyBytesMax);
  return {
    push(received) {
      if (received.byteLength !== 1 || received[0] !== 0) deframer.push(received);
    },
  };
};

function optionOf(name: string, otherwise: number): number {
  const index = process.argv.indexOf(name);
  return index < 0 ? otherwise : Number(process.argv[index + 1]);
}

if (import.meta.main) {
  const seed = optionOf("--seed", drawSeed());
  const count = optionOf("--count", 100_000);
  console.log(`seed ${seed}`);
  const make = process.argv.includes("--canary") ? CANARY : undefined;
  const beganMs = performance.now();
  const inputs = fuzz({ seed, count, isExhaustive: true }, make);
  console.log(`${inputs} inputs in ${Math.round(performance.now() - beganMs)} ms, nothing found`);
}
