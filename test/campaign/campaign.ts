/**
 * What all campaigns share: a seed and a size from the command line, progress on stderr,
 * one line of JSON with the counts at the end, and an exit status that says whether the
 * promise held. The same seed and size do the same again.
 */
import { parseArgs } from "node:util";
import { Chance, drawSeed } from "../support/chance.ts";

export interface Campaign {
  readonly seed: number;
  readonly chance: Chance;
  /** The value of `--NAME N`. */
  number(name: string): number;
  /** The value of `--NAME WORDS`; nothing when it was not given. */
  text(name: string): string | undefined;
  /** A violation: it is shown at once and fails the campaign, which goes on. */
  fail(what: string): void;
  /** Shown on stderr, over the last one on a terminal. */
  progress(text: string): void;
}

/**
 * Runs a campaign as a program and ends the process: 0 when nothing failed, else 1.
 *
 * @param defaults the numbers that can be given as `--NAME N`, with the size that CI takes
 * @param work answers the counts for the last line
 * @param texts names of options that are no numbers
 */
export async function runCampaign(
  name: string,
  defaults: Readonly<Record<string, number>>,
  work: (campaign: Campaign) => Promise<Record<string, unknown>>,
  texts: readonly string[] = [],
): Promise<never> {
  const options = Object.fromEntries(
    ["seed", ...Object.keys(defaults), ...texts].map(
      (option) => [option, { type: "string" }] as const,
    ),
  );
  const { values } = parseArgs({ options });
  const seed = Number(values["seed"] ?? drawSeed());
  const failures: string[] = [];
  const campaign: Campaign = {
    seed,
    chance: new Chance(seed),
    number: (option) => Number(values[option] ?? defaults[option]),
    text: (option) => values[option],
    fail: (what) => {
      failures.push(what);
      console.error(`${name}: FAILED (--seed ${seed}): ${what}`);
    },
    progress: (text) => {
      if (process.stderr.isTTY) process.stderr.write(`\r\u001B[K${name}: ${text}`);
      else console.error(`${name}: ${text}`);
    },
  };
  const began = performance.now();
  console.error(`${name}: --seed ${seed}`);
  let counts: Record<string, unknown> = {};
  try {
    counts = await work(campaign);
  } catch (error) {
    campaign.fail(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }
  const seconds = Math.round((performance.now() - began) / 100) / 10;
  console.log(
    JSON.stringify({ campaign: name, seed, ...counts, failures: failures.length, seconds }),
  );
  process.exit(failures.length === 0 ? 0 : 1);
}
