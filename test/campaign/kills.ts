/**
 * V7, F9: clients work without pause while the server, or some of them, are killed with
 * SIGKILL at random moments, again and again. What was acknowledged is there and exact,
 * what was not is there whole or not at all, nobody ever sees a part of a file, the ledger
 * agrees with the disk, and what was interrupted goes on where it was.
 *
 *   bun test/campaign/kills.ts [--seed N] [--cycles N] [--clients N]
 */
import { join } from "node:path";
import { readdirSync } from "node:fs";
import { Chance } from "../support/chance.ts";
import { Scene } from "../e2e/binary.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { plantCanary, whatFails } from "./invariant.ts";
import { Ground, PASSWORD } from "./kills-ground.ts";
import type { Source } from "./kills-ground.ts";
import { ABSENT } from "./kills-model.ts";
import { proveResume } from "./kills-resume.ts";
import { Worker } from "./kills-worker.ts";

export const COVERS = [
  ["put", "kill of the server"],
  ["put", "kill of the client"],
  ["put over a file", "kill of the server"],
  ["put over a file", "kill of the client"],
  ["put over a file", "concurrent sessions"],
  ["resume", "kill of the server"],
  ["resume", "kill of the client"],
  ["get", "kill of the server"],
  ["get", "kill of the client"],
  ["mkdir", "kill of the server"],
  ["mkdir", "kill of the client"],
  ["rm", "kill of the server"],
  ["rm", "kill of the client"],
  ["rm -r", "kill of the server"],
  ["rm -r", "kill of the client"],
  ["rmdir", "kill of the server"],
  ["rmdir", "kill of the client"],
  ["mv", "kill of the server"],
  ["mv", "kill of the client"],
  ["cp", "kill of the server"],
  ["cp", "kill of the client"],
  ["sign-in", "kill of the server"],
  ["sign-in", "kill of the client"],
  ["start", "kill of the server"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

const MOMENT_MS_MAX = 600;

/** What is asked for right after a sign-in is done by then, or under way. */
const REQUEST_MS_MAX = 30;
const START_MS_MAX = 150;
const CLIENTS_KILLED_MAX = 3;

/** `ftpx check` must find nothing while clients work, either. */
const BUSY_CHECK_PERCENT = 25;

/** So many cycles lie between two moments of quiet. */
const QUIET_EVERY_MIN = 3;
const QUIET_EVERY_MAX = 6;

class Kills {
  readonly #ground: Ground;
  readonly #campaign: Campaign;
  readonly #chance: Chance;
  readonly #workers: readonly Worker[];

  constructor(ground: Ground, workers: readonly Worker[], campaign: Campaign) {
    this.#ground = ground;
    this.#workers = workers;
    this.#campaign = campaign;
    this.#chance = campaign.chance;
  }

  async run(cycleCount: number): Promise<void> {
    const works = Promise.all(this.#workers.map((worker) => worker.run()));
    let quietIn = this.#chance.between(QUIET_EVERY_MIN, QUIET_EVERY_MAX);
    for (let cycle = 1; cycle <= cycleCount; cycle += 1) {
      await Bun.sleep(this.#chance.below(MOMENT_MS_MAX));
      if (this.#chance.percent(50)) await this.#killServer();
      else await this.#killClients();
      quietIn -= 1;
      if (quietIn > 0) continue;
      quietIn = this.#chance.between(QUIET_EVERY_MIN, QUIET_EVERY_MAX);
      await this.#lookInQuiet();
      this.#campaign.progress(`${cycle} cycles, ${JSON.stringify(this.#ground.counts)}`);
    }
    await Promise.all(this.#workers.map((worker) => worker.finish()));
    await works;
    this.#ground.forgetDigests();
    await this.#lookInQuiet();
  }

  async #killServer(): Promise<void> {
    if (this.#chance.percent(60)) {
      await this.#ground.nextLogin();
      await Bun.sleep(this.#chance.below(REQUEST_MS_MAX));
    }
    const starts = this.#chance.percent(20) ? [this.#chance.below(START_MS_MAX)] : [];
    for (const worker of this.#workers) worker.noteCut();
    await this.#ground.kill();
    this.#ground.counts.serverKills += 1;
    await this.#ground.judge();
    await this.#ground.restart(starts);
  }

  async #killClients(): Promise<void> {
    const count = this.#chance.between(1, CLIENTS_KILLED_MAX);
    const first = this.#chance.below(this.#workers.length);
    const order = [...this.#workers.slice(first), ...this.#workers.slice(0, first)];
    for (const worker of order.filter(({ isRunning }) => isRunning).slice(0, count)) {
      if (worker.kill()) this.#ground.counts.clientKills += 1;
    }
    await this.#ground.lookForPartial();
    if (this.#chance.percent(BUSY_CHECK_PERCENT)) await this.#ground.check();
  }

  async #lookInQuiet(): Promise<void> {
    this.#ground.quiet();
    await Promise.all(this.#workers.map(({ work }) => work));
    await this.#ground.demandOrder();
    await this.#ground.judge();
    for (const home of this.#ground.homes) {
      const seen = await this.#ground.look(home);
      for (const worker of this.#workers) if (worker.home === home) worker.settle(seen);
      home.register.settle(seen.get(home.register.path) ?? ABSENT);
    }
    this.#ground.invite();
  }

  /** Where there is room for it. */
  async proveResume(): Promise<void> {
    const workers = this.#workers.filter(({ home }) => !this.#ground.isTight(home));
    await proveResume(this.#ground, workers);
  }

  /** Every part that is left belongs to a put that can be run again, and nothing else does. */
  async finishParts(): Promise<number> {
    let finished = 0;
    await this.#ground.widen();
    for (const worker of this.#workers) {
      const { tree, planner } = worker;
      for (const [path, source] of planner.unfinished) {
        const parent = path.slice(0, path.lastIndexOf("/"));
        if (parent !== "" && tree.contentOf(parent) === ABSENT) {
          await worker.demand(planner.makeDir(parent));
        }
        await this.#put(worker, path, source, []);
        // What stands there whole is not sent, and then the part of another version stays.
        if (planner.unfinished.has(path)) await this.#put(worker, path, source, ["--restart"]);
        finished += 1;
      }
    }
    await this.#lookInQuiet();
    return finished;
  }

  async #put(worker: Worker, path: string, source: Source, options: string[]): Promise<void> {
    const { planner, home } = worker;
    const isShared = path === home.register.path;
    await worker.demand(
      isShared ? planner.putShared(source, options) : planner.put(path, source, options),
    );
  }
}

async function wearDown(ground: Ground, campaign: Campaign): Promise<Record<string, unknown>> {
  const { scene } = ground;
  const clientCount = campaign.number("clients");
  const workers: Worker[] = [];
  for (let index = 0; index < clientCount; index += 1) {
    const home = ground.homes[index % ground.homes.length];
    if (home === undefined) throw new Error("no account");
    // One stream of chance for each: what one draws does not depend on when others draw.
    const chance = new Chance(campaign.seed + 7919 * (index + 1));
    workers.push(new Worker(ground, home, index, chance));
  }
  for (const worker of workers) await worker.prepare();
  const user = ground.homes.at(-1)?.user ?? "";
  await whatFails(scene, ground.server, user, PASSWORD);
  const isCanaryAlive = await plantCanary(scene);
  const kills = new Kills(ground, workers, campaign);
  const cycles = campaign.number("cycles");
  await kills.run(cycles);
  await kills.proveResume();
  const finishedParts = await kills.finishParts();
  for (const what of await whatFails(scene, ground.server, user, PASSWORD)) campaign.fail(what);
  await ground.demandOrder();
  const parts = readdirSync(join(scene.data, "storage", ".ftpx", "parts"));
  if (parts.length > 0) campaign.fail(`parts are left: ${parts.join(" ")}`);
  if (!(await isCanaryAlive())) campaign.fail("something outside of the homes has changed");
  const resentBytes = workers.reduce((sum, worker) => sum + worker.resentBytes, 0);
  const cuts = workers.reduce((sum, worker) => sum + worker.cutCount, 0);
  const resentBytesPerCut = cuts === 0 ? undefined : Math.round(resentBytes / cuts);
  return { cycles, clients: clientCount, ...ground.counts, finishedParts, cuts, resentBytesPerCut };
}

if (import.meta.main) {
  const scene = await Scene.begin();
  await runCampaign("kills", { cycles: 12, clients: 8 }, async (campaign) => {
    let ground: Ground | undefined;
    const end = async () => {
      ground?.end();
      await scene.end();
    };
    const abandon = () => void end().finally(() => process.exit(1));
    process.once("SIGINT", abandon).once("SIGTERM", abandon);
    try {
      ground = await Ground.prepare(scene, campaign, Math.ceil(campaign.number("clients") / 2));
      return await wearDown(ground, campaign);
    } finally {
      await end();
    }
  });
}
