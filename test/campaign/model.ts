/**
 * V4: random operations of four users with three connections each on the real server, and a
 * model beside it that says what may come of every one of them, with and without crashes.
 *
 *   bun test/campaign/model.ts [--seed N] [--sequences N] [--operations N]
 *
 * `--operations` is the mean length of a sequence. A difference names its sequence; `--only
 * NUMBER` with the same seed runs that one alone. `--shrinks N` tries so often to find a
 * shorter one, which helps where time plays no part. `--differences N` ends after so many.
 * `--every N` says how seldom INV is looked at as a whole.
 */
import * as fc from "fast-check";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { descriptorsOf, plantCanary, violations, whatFails } from "./invariant.ts";
import { Belief } from "./model-belief.ts";
import type { Tally } from "./model-commands.ts";
import { TooSlow } from "./model-cuts.ts";
import { sequences } from "./model-draws.ts";
import { Difference, Ground, USERS } from "./model-ground.ts";
import { lookAtAll } from "./model-meetings.ts";
import { messageOf } from "./model-tasks.ts";

export const COVERS = [
  ["put", "kill of the server"],
  ["put over a file", "kill of the server"],
  ["resume", "kill of the server"],
  ["mkdir", "kill of the server"],
  ["rm", "kill of the server"],
  ["rm -r", "kill of the server"],
  ["rmdir", "kill of the server"],
  ["mv", "kill of the server"],
  ["start", "kill of the server"],
  ["put", "cut line"],
  ["put over a file", "cut line"],
  ["resume", "cut line"],
  ["put", "concurrent sessions"],
  ["put over a file", "concurrent sessions"],
  ["resume", "concurrent sessions"],
  ["get", "concurrent sessions"],
  ["mkdir", "concurrent sessions"],
  ["rm", "concurrent sessions"],
  ["rm -r", "concurrent sessions"],
  ["rmdir", "concurrent sessions"],
  ["mv", "concurrent sessions"],
  ["cp", "kill of the server"],
  ["cp", "concurrent sessions"],
  ["stop", "SIGTERM"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

const PROGRESS_EVERY = 50;

const DEFAULTS = {
  sequences: 12,
  operations: 50,
  every: 4,
  shrinks: 20,
  only: -1,
  differences: 5,
};

/** The server, made anew when a difference has left nobody knows what behind. */
class Stage {
  #ground: Ground | undefined;
  #isClean = true;
  /** What starts after crashes found under way, of all servers that were ended. */
  readonly recovered: Record<string, number> = {};
  sequenceCount = 0;
  resumedCount = 0;
  tooSlowCount = 0;

  async ground(): Promise<Ground> {
    if (!this.#isClean) await this.close();
    this.#ground ??= await Ground.open();
    this.#isClean = true;
    return this.#ground;
  }

  async close(): Promise<void> {
    const ground = this.#ground;
    this.#ground = undefined;
    if (ground === undefined) return;
    for (const [name, count] of Object.entries(ground.recovered)) {
      this.recovered[name] = (this.recovered[name] ?? 0) + count;
    }
    await ground.close();
  }

  /** One sequence from empty homes to the look at everything. @throws what differs */
  async play(steps: Iterable<fc.AsyncCommand<Belief, Ground>>, every: number): Promise<void> {
    const ground = await this.ground();
    const belief = new Belief();
    this.#isClean = false;
    try {
      await clear(ground);
      await fc.asyncModelRun(() => ({ model: belief, real: ground }), steps);
      await lookAtAll(belief, ground);
      const isDue = this.sequenceCount % every === 0;
      const wrong = isDue ? await violations(ground.scene, toldBy(belief)) : [];
      wrong.push(...ground.takeDefects());
      if (wrong.length > 0) throw new Difference(wrong.join("\n"));
    } catch (error) {
      if (!(error instanceof TooSlow)) throw differenceOf(error, belief, ground);
      this.tooSlowCount += 1;
      return;
    }
    this.resumedCount += belief.resumedCount;
    this.sequenceCount += 1;
    this.#isClean = true;
  }
}

/** Limits as they were, nothing stored, nothing reserved. */
async function clear(ground: Ground): Promise<void> {
  for (const user of USERS) await ground.wipe(user);
}

function toldBy(belief: Belief) {
  return USERS.flatMap((user) =>
    [...belief.someOf(user).tree].flatMap(([path, node]) =>
      node.kind === "file" ? [{ user, path, sha256: node.sha256 }] : [],
    ),
  );
}

function differenceOf(error: unknown, belief: Belief, ground: Ground): Error {
  const worlds = USERS.map((user) => `${user}: ${belief.describe(user)}`);
  const lines = [messageOf(error), ...ground.takeDefects(), "after:", ...belief.log, ...worlds];
  return new Difference(lines.join("\n"));
}

/** What holds for the whole of a run: no descriptor is left open, nothing else was touched. */
async function lookBack(campaign: Campaign, stage: Stage): Promise<void> {
  const ground = await stage.ground();
  const isUntouched = await plantCanary(ground.scene);
  await ground.disconnect();
  await ground.restart("SIGTERM");
  const baseline = descriptorsOf(ground.server);
  const belief = new Belief();
  await clear(ground);
  for (const wrong of await whatFails(ground.scene, ground.server, "ann", ground.password)) {
    campaign.fail(wrong);
  }
  await lookAtAll(belief, ground);
  await ground.disconnect();
  const deadlineMs = performance.now() + 10_000;
  while (descriptorsOf(ground.server) > baseline && performance.now() < deadlineMs) {
    await Bun.sleep(20);
  }
  if (descriptorsOf(ground.server) > baseline) campaign.fail("descriptors were left open");
  if (!(await isUntouched())) campaign.fail("something beside the data directory has changed");
  for (const wrong of await violations(ground.scene)) campaign.fail(wrong);
}

/** Plays all sequences; after a difference the rest, with other draws. @returns differences */
async function playAll(campaign: Campaign, stage: Stage, tally: Tally): Promise<number> {
  const [wanted, operations] = [campaign.number("sequences"), campaign.number("operations")];
  const [every, shrinks, only] = ["every", "shrinks", "only"].map((name) => campaign.number(name));
  const differencesMax = campaign.number("differences");
  let differences = 0;
  let seed = campaign.seed | 0;
  for (let left = only === -1 ? wanted : 1; left > 0 && differences < differencesMax;) {
    const drawn = fc.limitShrink(sequences(operations, tally), shrinks ?? 0);
    const property = fc.asyncProperty(drawn, async (steps) => {
      await stage.play(steps, every ?? 1);
      if (stage.sequenceCount % PROGRESS_EVERY === 0) campaign.progress(`${stage.sequenceCount}`);
    });
    const replay = only === -1 ? {} : { path: `${only}` };
    const played = await fc.check(property, { seed, numRuns: left, ...replay });
    left -= played.numRuns;
    if (!played.failed) continue;
    differences += 1;
    const place = `--seed ${seed} --only ${played.counterexamplePath?.split(":")[0]}`;
    campaign.fail(`${place}\n${messageOf(played.errorInstance)}`);
    seed = (seed + 1) | 0;
  }
  return differences;
}

if (import.meta.main) {
  await runCampaign("model", DEFAULTS, async (campaign) => {
    const stage = new Stage();
    const stop = () => void stage.close().finally(() => process.exit(130));
    process.once("SIGINT", stop).once("SIGTERM", stop);
    const tally: Tally = {
      operations: 0,
      crashes: 0,
      crashesInside: 0,
      pairs: 0,
      cuts: 0,
      refusals: 0,
      limits: 0,
    };
    try {
      const differences = await playAll(campaign, stage, tally);
      await lookBack(campaign, stage);
      await stage.close();
      const { sequenceCount, resumedCount, tooSlowCount, recovered } = stage;
      const counts = { resumed: resumedCount, recovered, tooSlow: tooSlowCount };
      return { sequences: sequenceCount, ...tally, ...counts, differences };
    } finally {
      await stage.close();
    }
  });
}
