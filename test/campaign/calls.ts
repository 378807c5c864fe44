/**
 * V5 and V6: every call that the compiled server makes on its data directory fails once, in
 * every way that such a call can fail, and the server is killed before and after it; the
 * same for commands that edit accounts.toml. What must hold then is in calls-server.ts and
 * calls-admin.ts.
 *
 * Calls are found by a run in which nothing goes wrong; a point is the nth call of a name
 * at a place. One that is not reached is tried again, because calls of threads do not come
 * in the same order every time.
 *
 *   bun test/campaign/calls.ts [--seed N] [--points N] [--mode fail|kill|all] [--lanes N] [--only REGEXP]
 *
 * `--points 0` takes all of them; `--only` takes those whose title fits, to repeat one.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { runCommand } from "./calls-admin.ts";
import { sitesAt } from "./calls-faults.ts";
import type { Mode, Site } from "./calls-faults.ts";
import { findDisorder } from "./calls-order.ts";
import { openWorkshop } from "./calls-scenarios.ts";
import type { Workshop } from "./calls-scenarios.ts";
import { runScenario } from "./calls-server.ts";
import type { Outcome } from "./calls-server.ts";
import { Tracer } from "./calls-tracer.ts";
import type { Call } from "./calls-tracer.ts";

const CHANGES = [
  "put",
  "put over a file",
  "resume",
  "cp",
  "mkdir",
  "rm",
  "rm -r",
  "rmdir",
  "mv",
] as const;
const EDITS = ["useradd", "usermod"] as const;
const OPENING = [...CHANGES, ...EDITS, "get", "ls", "sign-in", "start"] as const;
const WRITING = [...CHANGES, ...EDITS, "start", "stop"] as const;

const covers = (fault: string, operations: readonly string[]) =>
  operations.map((operation) => [operation, fault] as const);

export const COVERS = [
  ...covers("kill of the server", [...OPENING, "stop"]),
  ...covers("I/O error", [...OPENING, "stop"]),
  ...covers("refused access", [...OPENING, "stop"]),
  ...covers("out of descriptors", OPENING),
  ...covers("disk full", WRITING),
  ...covers("failed sync", WRITING),
  ...covers("short write", WRITING),
] satisfies readonly (readonly [operation: string, fault: string])[];

/** A point that was not reached is tried so often. */
const TRIES_MAX = 3;

interface Run {
  readonly title: string;
  readonly site: Site;
  readonly play: (site: Site | undefined) => Promise<Outcome>;
}

interface Counts {
  run: number;
  readonly missed: string[];
  readonly byFault: Record<string, number>;
  readonly told: Record<string, number>;
  readonly mended: string[];
}

/** A program that is run with its calls going wrong. */
interface Stage {
  readonly name: string;
  readonly play: Run["play"];
  readonly isWanted: (call: Outcome["calls"][number]) => boolean;
}

function stagesOf(workshop: Workshop, tracer: Tracer): Stage[] {
  const commands = EDITS.map((name): Stage => ({
    name,
    play: (site) => runCommand(workshop, tracer, name, site),
    isWanted: () => true,
  }));
  const scenarios = workshop.scenarios.map((scenario): Stage => ({
    name: scenario.name,
    play: (site) => runScenario(workshop, tracer, scenario, site),
    isWanted: ({ phase, place }) => scenario.isWanted(phase, place),
  }));
  return [...scenarios, ...commands];
}

/** Everything that can go wrong where, by a run of each stage in which nothing does. */
async function findRuns(stages: readonly Stage[], mode: Mode, campaign: Campaign) {
  const lists: Run[][] = stages.map(() => []);
  let points = 0;
  await inLanes(stages.entries(), campaign.number("lanes"), async ([index, stage]) => {
    const { name, play, isWanted } = stage;
    const { calls, problems } = await play(undefined);
    for (const problem of [...problems, ...findDisorder(calls)]) {
      campaign.fail(`${name}, nothing goes wrong: ${problem}`);
    }
    for (const { point, call } of pointsOf(calls)) {
      if (!isWanted(call)) continue;
      points += 1;
      for (const site of sitesAt(point, mode)) {
        const title = `${name}: ${site.fault.title} at ${point.name} ${point.nth} of ${point.place}`;
        lists[index]?.push({ title, site, play });
      }
    }
  });
  return { runs: lists.flat(), points };
}

async function inLanes<Item>(
  items: IterableIterator<Item>,
  laneCount: number,
  work: (item: Item) => Promise<void>,
): Promise<void> {
  const lane = async () => {
    for (const item of items) await work(item);
  };
  await Promise.all(Array.from({ length: laneCount }, lane));
}

function pointsOf<Made extends Call>(calls: readonly Made[]) {
  const seen = new Map<string, number>();
  return calls.map((call) => {
    const { name, place } = call;
    const nth = (seen.get(`${name} ${place}`) ?? 0) + 1;
    seen.set(`${name} ${place}`, nth);
    return { point: { name, place, nth }, call };
  });
}

/**
 * Some of each scenario, each call and each fault before more of any of them. Chance goes
 * with the title, so a call more or less in the first run does not change all that is drawn.
 */
function draw(runs: readonly Run[], count: number, seed: number): Run[] {
  const keys = new Map(runs.map((run) => [run, Bun.hash(run.title, seed)]));
  const waiting = runs.toSorted((a, b) => ((keys.get(a) ?? 0n) < (keys.get(b) ?? 0n) ? -1 : 1));
  const taken = new Map<string, number>();
  const drawn: Run[] = [];
  while (drawn.length < count && waiting.length > 0) {
    const weights = waiting.map((run) => sum(tagsOf(run).map((tag) => taken.get(tag) ?? 0)));
    const least = Math.min(...weights);
    const [run] = waiting.splice(weights.indexOf(least), 1);
    if (run === undefined) break;
    for (const tag of tagsOf(run)) taken.set(tag, (taken.get(tag) ?? 0) + 1);
    drawn.push(run);
  }
  return drawn;
}

function tagsOf({ title, site }: Run): string[] {
  return [title.slice(0, title.indexOf(":")), site.point.name, site.fault.title];
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

async function playAll(runs: readonly Run[], campaign: Campaign): Promise<Counts> {
  const counts: Counts = { run: 0, missed: [], byFault: {}, told: {}, mended: [] };
  await inLanes(runs.values(), campaign.number("lanes"), async (run) => {
    await playOne(run, counts, campaign);
    if (counts.run % 50 === 0) campaign.progress(`${counts.run} of ${runs.length} points`);
  });
  return counts;
}

async function playOne(run: Run, counts: Counts, campaign: Campaign): Promise<void> {
  counts.run += 1;
  for (let tries = 1; tries <= TRIES_MAX; tries += 1) {
    const { isHit, problems, refusals, mended } = await run.play(run.site);
    for (const problem of problems) campaign.fail(`${run.title}: ${problem}`);
    for (const kind of refusals) counts.told[kind] = (counts.told[kind] ?? 0) + 1;
    if (mended !== undefined) counts.mended.push(`${run.title}: ${mended}`);
    const { title } = run.site.fault;
    if (isHit) counts.byFault[title] = (counts.byFault[title] ?? 0) + 1;
    if (isHit || problems.length > 0) return;
  }
  counts.missed.push(run.title);
}

/** `--mode` and `--only` are words, which campaigns have not: taken out before they look. */
function takeWords(): { mode: Mode; only: RegExp } {
  const options = { mode: { type: "string" }, only: { type: "string" } } as const;
  const { values, tokens } = parseArgs({ options, strict: false, tokens: true });
  const taken = new Set<number>();
  for (const token of tokens) {
    if (token.kind !== "option" || !(token.name in options)) continue;
    taken.add(token.index);
    if (token.inlineValue !== true) taken.add(token.index + 1);
  }
  process.argv = process.argv.filter((_word, index) => !taken.has(index - 2));
  const mode = String(values.mode ?? "all");
  if (mode !== "fail" && mode !== "kill" && mode !== "all") throw new Error(`no mode ${mode}`);
  return { mode, only: new RegExp(String(values.only ?? "")) };
}

/** All scratch is below one folder, which goes with this process. */
function useOwnFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "ftpx-calls-"));
  process.env["TMPDIR"] = folder;
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(130));
  return folder;
}

if (import.meta.main) {
  const { mode, only } = takeWords();
  await runCampaign("calls", { points: 20, lanes: 2 }, async (campaign) => {
    const tracer = Tracer.build(useOwnFolder());
    const workshop = await openWorkshop();
    try {
      const found = await findRuns(stagesOf(workshop, tracer), mode, campaign);
      const fitting = found.runs.filter(({ title }) => only.test(title));
      const count = campaign.number("points");
      const runs = count === 0 ? fitting : draw(fitting, count, campaign.seed);
      const counts = await playAll(runs, campaign);
      const hits = counts.run - counts.missed.length;
      if (hits === 0 || hits < counts.run * 0.8) {
        campaign.fail(`${hits} of ${counts.run} points were reached`);
      }
      const { byFault, told, mended, missed } = counts;
      const all = { pointsFound: found.points, faultsFound: found.runs.length };
      return { ...all, run: counts.run, missed, byFault, told, mendedByRestart: mended };
    } finally {
      await workshop.scene.end();
    }
  });
}
