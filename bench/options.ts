/** The command line of the benchmarks, checked before anything is started, and what it can be. */
import { parseArgs } from "node:util";

export interface Options {
  /** Names of workloads, in the order of the suite. */
  readonly only: readonly string[];
  /** Multiplies bytes and numbers of files; 1 is the size that the aims are about. */
  readonly scale: number;
  /** Multiplies numbers of clients. */
  readonly crowd: number;
  readonly pairs: number;
  /** What takes minutes for one run: sftp's tree over a long line. */
  readonly isSlow: boolean;
  /** Peers with a word in their name that begins so do not take part. */
  readonly without: readonly string[];
  readonly json: string | undefined;
  readonly svg: string | undefined;
  /** Nothing is measured, but the picture made of these results. */
  readonly draw: string | undefined;
  readonly isHelp: boolean;
  /** Nothing when cost is not measured over sizes; else what `scale` or `crowd` is multiplied by. */
  readonly steps: readonly number[] | undefined;
}

/** What the median of fewer says is not much. */
export const PAIRS_MIN = 5;

const STEPS = "0.1,1";

/** For `--help`; TESTING.md tells more. */
export const USAGE = `npm run bench -- [OPTIONS]

  --only W1,W3          these workloads
  --scale 0.1           bytes and numbers of files, times that
  --crowd 0.1           numbers of clients, times that
  --pairs ${PAIRS_MIN}             how often each takes its turn
  --slow                what takes minutes too
  --without lftp,curl   peers with a word in their name that begins so stay out
  --growth              each workload at the sizes ${STEPS}
  --steps 0.1,1,10      each workload at these sizes
  --json FILE           all figures
  --svg FILE            a picture of the ratios
  --draw FILE           measures nothing: the picture of the figures in this file`;

/** @throws a text for the person who typed it */
export function parseOptions(words: readonly string[], workloads: readonly string[]): Options {
  const { values } = parseArgs({
    args: [...words],
    options: {
      only: { type: "string" },
      scale: { type: "string", default: "1" },
      crowd: { type: "string", default: "1" },
      pairs: { type: "string", default: String(PAIRS_MIN) },
      slow: { type: "boolean", default: false },
      without: { type: "string", default: "" },
      json: { type: "string" },
      svg: { type: "string" },
      draw: { type: "string" },
      help: { type: "boolean", default: false },
      growth: { type: "boolean", default: false },
      steps: { type: "string" },
    },
  });
  const pairs = positive("--pairs", values.pairs);
  if (!Number.isInteger(pairs)) throw new Error("--pairs: a whole number is wanted");
  if (values.draw !== undefined && values.svg === undefined) {
    throw new Error("--draw: --svg is wanted, for where to");
  }
  const steps = values.growth ? (values.steps ?? STEPS) : values.steps;
  return {
    only: namesOf(values.only, workloads),
    scale: positive("--scale", values.scale),
    crowd: positive("--crowd", values.crowd),
    pairs,
    isSlow: values.slow,
    without: values.without.split(",").filter((name) => name !== ""),
    json: values.json,
    svg: values.svg,
    draw: values.draw,
    isHelp: values.help,
    steps: steps?.split(",").map((step) => positive("--steps", step)),
  };
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (text.trim() === "" || !Number.isFinite(value) || value <= 0) {
    throw new Error(`${option}: a number above 0 is wanted, not ${text}`);
  }
  return value;
}

function namesOf(text: string | undefined, workloads: readonly string[]): readonly string[] {
  if (text === undefined) return workloads;
  const wanted = text.split(",").map((name) => name.trim().toUpperCase());
  const unknown = wanted.find((name) => !workloads.includes(name));
  if (unknown !== undefined) {
    throw new Error(`--only: there is no ${unknown}, but ${workloads.join(", ")}`);
  }
  return workloads.filter((name) => wanted.includes(name));
}
