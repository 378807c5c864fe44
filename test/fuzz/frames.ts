/**
 * V1: mutated frames into the parser, in process (I6, I7, D1, F16).
 *
 *   bun test/fuzz/frames.ts [--seed N] [--count N] [--lanes N]
 *
 * Half of the inputs are small mutations of every valid frame, all of them where that is no more
 * than half; the others are of chance. Of each input: however it is cut into reads, the same is
 * heard and the same is refused; nothing but the parser's own refusals is thrown, by the parser
 * and by every body; a value that is read has one spelling; and nothing larger than the bound is
 * reserved. By hand: --count 50000000 --lanes 2, half an hour.
 */
import type { ErrorKind } from "../../src/base/errors.ts";
import { Deframer } from "../../src/wire/deframer.ts";
import type { FrameSink } from "../../src/wire/deframer.ts";
import { HEADER_BYTES } from "../../src/wire/frame.ts";
import { runCampaign } from "../campaign/campaign.ts";
import type { Campaign } from "../campaign/campaign.ts";
import { Chance } from "../support/chance.ts";
import { cutByChance } from "../support/cuts.ts";
import { hexOf } from "../support/octets.ts";
import { checkBody, kindAmong } from "./bodies.ts";
import { CORPUS, shapedFrame } from "./corpus.ts";
import { isLane, LANE_OPTIONS, runLanes } from "./lanes.ts";
import { mutate, smallMutation, smallMutationCount } from "./mutation.ts";
import { withWatch } from "./reservations.ts";
import type { Watch } from "./reservations.ts";
import { Transcript } from "./transcript.ts";

export interface Parser {
  push(received: Uint8Array): void;
}

export type MakeParser = (sink: FrameSink, bodyBytesMax: number) => Parser;

const BOUND_BYTES = 4096;
const REFUSALS: readonly ErrorKind[] = [
  "WRONG_VERSION",
  "BAD_FRAME",
  "BODY_TOO_LARGE",
  "OUT_OF_RANGE",
];

const REAL: MakeParser = (sink, bodyBytesMax) => new Deframer(sink, bodyBytesMax);

/** Pushes pieces into a new parser. @returns how it refused them @throws Error for anything else */
export function parse(
  pieces: readonly Uint8Array[],
  sink: FrameSink,
  make: MakeParser = REAL,
): ErrorKind | undefined {
  const parser = make(sink, BOUND_BYTES);
  try {
    for (const piece of pieces) parser.push(piece);
    return undefined;
  } catch (error) {
    return kindAmong(error, REFUSALS);
  }
}

/** What is looked at of one input after the other. */
export class Judge {
  readonly #chance: Chance;
  readonly #make: MakeParser;
  readonly #watch: Watch;
  readonly #whole = new Transcript(checkBody);
  readonly #cut = new Transcript();
  /** Frames that were heard, of inputs that were not refused before. */
  frameCount = 0;
  refusedCount = 0;

  constructor(chance: Chance, watch: Watch, make = REAL) {
    this.#chance = chance;
    this.#watch = watch;
    this.#make = make;
  }

  /** @throws Error with what was wrong of the input */
  judge(input: Uint8Array): void {
    const [whole, cut] = [this.#whole, this.#cut];
    whole.clear();
    cut.clear();
    this.#watch.takeLargest();
    const refusal = parse([input], whole, this.#make);
    const largest = this.#watch.takeLargest();
    const boundBytes = Math.max(HEADER_BYTES + BOUND_BYTES, 2 * input.byteLength);
    if (largest > boundBytes) throw new Error(`reserved ${largest} bytes at once`);
    const other = parse(cutByChance(input, this.#chance), cut, this.#make);
    if (refusal !== other || !whole.isSame(cut)) {
      throw new Error(
        `cut differently: ${whole.frameCount} ${refusal}, ${cut.frameCount} ${other}`,
      );
    }
    this.frameCount += whole.frameCount;
    if (refusal !== undefined) this.refusedCount += 1;
  }
}

export interface Run {
  readonly seed: number;
  readonly count: number;
  /** Of `lanes` runs this is the nth, from 1: each does its share of the small mutations. */
  readonly lane?: number;
  readonly lanes?: number;
  readonly progress?: (inputs: number) => void;
}

const PROGRESS_EVERY_INPUTS = 1_000_000;

/** Runs inputs. @throws Error with seed and input */
export function fuzz({ seed, count, lane = 1, lanes = 1, progress }: Run, make = REAL) {
  return withWatch((watch) => {
    const chance = new Chance(seed);
    const judge = new Judge(chance, watch, make);
    let inputs = 0;
    const run = (input: Uint8Array): void => {
      inputs += 1;
      if (inputs % PROGRESS_EVERY_INPUTS === 0) progress?.(inputs);
      try {
        judge.judge(input);
      } catch (error) {
        const what = error instanceof Error ? error.message : String(error);
        const where = `seed ${seed}, input ${inputs}: ${hexOf(input)}`;
        throw new Error(`${where}: ${what}`, { cause: error });
      }
    };
    const own = CORPUS.filter((_frame, index) => index % lanes === lane - 1);
    const small = own.reduce((sum, frame) => sum + smallMutationCount(frame.byteLength), 0);
    // Another part of them with another seed, where they are too many.
    const stride = Math.max(1, Math.ceil((2 * small) / count));
    let skipped = chance.below(stride);
    for (const frame of own) {
      const mutations = smallMutationCount(frame.byteLength);
      for (; skipped < mutations; skipped += stride) run(smallMutation(frame, skipped));
      skipped -= mutations;
    }
    const smallCount = inputs;
    for (let left = count - inputs; left > 0; left -= 1) {
      run(chance.percent(25) ? shapedFrame(chance) : mutate(chance, CORPUS));
    }
    const { frameCount: frames, refusedCount: refused } = judge;
    return { inputs, small: smallCount, frames, refused };
  });
}

if (import.meta.main) {
  await runCampaign("frames", { count: 200_000, ...LANE_OPTIONS }, async (campaign) => {
    if (!isLane(campaign)) return await runLanes(campaign, "test/fuzz/frames.ts", ["count"]);
    return fuzz(runOf(campaign));
  });
}

function runOf(campaign: Campaign): Run {
  return {
    seed: campaign.seed,
    count: campaign.number("count"),
    lane: Math.max(1, campaign.number("lane")),
    lanes: campaign.number("lanes"),
    progress: (inputs) => campaign.progress(`${inputs} inputs`),
  };
}
