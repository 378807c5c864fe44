/**
 * Texts of people and files, in process (P1, P7, D5, I2, I6, A2, A10): paths, globs, words of the
 * shell, targets, SCRAM, keys, and the client's own files: bookmarks, known servers, tickets.
 *
 *   bun test/fuzz/texts.ts [--seed N] [--count N] [--notes N]
 *
 * Valid texts are spoiled, or made of what means something to one parser or another. Nothing but
 * refusals is thrown; what is written is read back as it was; what the file of a person holds
 * beside what is meant stays byte for byte; an oracle says what paths, patterns and quoted words
 * are. `--notes` of them go through the state database. By hand: --count 1000000 --notes 100000.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { runCampaign } from "../campaign/campaign.ts";
import { Chance } from "../support/chance.ts";
import { CLIENT_TRIALS } from "./clientfiles.ts";
import { fuzzNotes } from "./notes.ts";
import { SECRET_TRIALS } from "./secrets.ts";
import { demandShell, SYNTAX_TRIALS } from "./syntax.ts";

/** Looks at one text of chance. @param scratch a folder of its own @throws Error with what was wrong */
export type Trial = (chance: Chance, scratch: string) => unknown;

export const TRIALS: Readonly<Record<string, Trial>> = {
  ...SYNTAX_TRIALS,
  ...SECRET_TRIALS,
  ...CLIENT_TRIALS,
};

/** Files are a thousand times slower than memory. */
const ONE_OF_FILES = 50;

/** Runs every trial so many times. @throws Error with seed and trial of what was wrong */
export async function fuzzTexts(seed: number, count: number): Promise<Record<string, number>> {
  const scratch = await mkdtemp(join(tmpdir(), "ftpx-fuzz-"));
  const counts: Record<string, number> = {};
  try {
    for (const [name, trial] of Object.entries(TRIALS)) {
      const most = Object.hasOwn(CLIENT_TRIALS, name) ? Math.ceil(count / ONE_OF_FILES) : count;
      for (let number = 0; number < most; number += 1) {
        await demand(name, seed + number, () => trial(new Chance(seed + number), scratch));
      }
      counts[name] = most;
    }
    await demand("shell", seed, () => demandShell(new Chance(seed), Math.min(count, 5000)));
    return counts;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function demand(name: string, seed: number, work: () => unknown): Promise<void> {
  try {
    // Most of them are synchronous, and a turn of the loop for each would cost more than they do.
    const working = work();
    if (working instanceof Promise) await working;
  } catch (error) {
    const what = error instanceof Error ? error.message : String(error);
    throw new Error(`${name}, --seed ${seed} --count 1: ${what}`, { cause: error });
  }
}

if (import.meta.main) {
  await runCampaign("texts", { count: 20_000, notes: 300 }, async (campaign) => ({
    ...(await fuzzTexts(campaign.seed, campaign.number("count"))),
    notes: await fuzzNotes(campaign.seed, campaign.number("notes")),
  }));
}
