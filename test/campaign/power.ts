/**
 * V8 (F10): loss of power. A scenario runs under strace; from the record, disks are made as
 * they may be after the power went at some moment, the server is started on each, and all
 * that was acknowledged before that moment has to be there. Which losses are tried says
 * power-image.ts.
 *
 *   bun test/campaign/power.ts [--seed N] [--points N] [--images N]
 *
 * `--points` moments; 0 takes all there are. `--images` disks for each, up to seven; the first
 * holds what was synced and nothing else. The record has its own timing, so a seed repeats
 * the decisions, not each byte.
 */
import { Scene } from "../e2e/binary.ts";
import type { Chance } from "../support/chance.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import type { History, Operation } from "./power-history.ts";
import { imageAt } from "./power-image.ts";
import type { Survival } from "./power-image.ts";
import { judge } from "./power-judge.ts";
import type { FailureKind } from "./power-judge.ts";
import { Scenario } from "./power-scenario.ts";
import type { Step } from "./power-scenario.ts";
import { Standing } from "./power-standing.ts";

export const COVERS = [
  ["start", "power loss"],
  ["stop", "power loss"],
  ["useradd", "power loss"],
  ["usermod", "power loss"],
  ["sign-in", "power loss"],
  ["put", "power loss"],
  ["put over a file", "power loss"],
  ["resume", "power loss"],
  ["mkdir", "power loss"],
  ["mv", "power loss"],
  ["cp", "power loss"],
  ["rm", "power loss"],
  ["rm -r", "power loss"],
  ["rmdir", "power loss"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

interface Recorded {
  readonly history: History;
  readonly steps: readonly Step[];
}

/** Whoever is told to stop ends the image at hand, and leaves nothing running. */
const stopping = new AbortController();

async function losePower(campaign: Campaign): Promise<Record<string, unknown>> {
  for (const signal of ["SIGINT", "SIGTERM"]) process.once(signal, () => stopping.abort());
  const scene = await Scene.begin();
  const scenario = new Scenario(scene, campaign.chance);
  try {
    await scenario.run();
    const { history, steps } = await scenario.record();
    for (const what of history.differences()) campaign.fail(`the record is not whole: ${what}`);
    return await judgeAll(campaign, { history, steps });
  } finally {
    await scenario.end();
    await scene.end();
  }
}

async function judgeAll(campaign: Campaign, recorded: Recorded): Promise<Record<string, unknown>> {
  const { history, steps } = recorded;
  const points = pointsOf(campaign, recorded);
  const seen = new Set<string>();
  const failed: Partial<Record<FailureKind, number>> = {};
  const count = { images: 0, same: 0, resumed: 0, damaged: 0 };
  for (const [index, cut] of points.entries()) {
    if (stopping.signal.aborted) throw new Error("interrupted");
    campaign.progress(`${index} of ${points.length} points, ${count.images} images`);
    const done = steps.filter(({ position }) => position <= cut);
    const step = steps[done.length];
    const before = done.at(-1)?.after ?? new Standing();
    for (const survival of survivalsOf(campaign)) {
      const image = imageAt(history, cut, survival, campaign.chance);
      const key = `${image.key} ${done.length}`;
      if (seen.has(key)) {
        count.same += 1;
        continue;
      }
      seen.add(key);
      count.images += 1;
      const { failures, resumedCount, damagedCount } = await judge(image, { before, step });
      count.resumed += resumedCount;
      count.damaged += damagedCount;
      const where = `${survival} image of ${cut} operations, ${step?.name ?? "nothing"} under way`;
      for (const [kind, some] of Map.groupBy(failures, (failure) => failure.kind)) {
        failed[kind] = (failed[kind] ?? 0) + 1;
        campaign.fail(`${kind}: ${some.map(({ what }) => what).join("; ")} (${where})`);
      }
    }
  }
  const operations = history.operations.length;
  return { operations, steps: steps.length, points: points.length, ...count, failed };
}

/**
 * Positions in the history: a third of them right behind acknowledgements, a third right
 * behind renames, a third anywhere, with the same share for every step, however much it wrote.
 */
function pointsOf(campaign: Campaign, { history, steps }: Recorded): number[] {
  const { chance } = campaign;
  const count = campaign.number("points");
  const all = Array.from({ length: history.operations.length + 1 }, (_, index) => index);
  if (count === 0 || count >= all.length) return all;
  const ends = steps.map(({ position }) => position);
  const renames = all.filter((index) => isRename(history.operations[index - 1]));
  const third = Math.ceil(count / 3);
  const points = new Set([...drawn(ends, third, chance), ...drawn(renames, third, chance)]);
  for (let tries = 0; points.size < count && tries < 10 * count; tries += 1) {
    const step = chance.below(ends.length);
    const from = ends[step - 1] ?? 0;
    const to = ends[step] ?? from;
    if (to > from) points.add(chance.between(from, to));
  }
  return [...points];
}

function isRename(operation: Operation | undefined): boolean {
  return operation?.kind === "names" && operation.changes.length > 1;
}

function drawn<Value>(values: readonly Value[], count: number, chance: Chance): Value[] {
  const left = [...values];
  const taken: Value[] = [];
  while (taken.length < count && left.length > 0) {
    taken.push(...left.splice(chance.below(left.length), 1));
  }
  return taken;
}

const SURVIVALS = ["names", "torn", "ordered", "weak", "content", "everything"] as const;

/** After the strict one, first one where names are ahead, then one where some of them are lost. */
function survivalsOf(campaign: Campaign): Survival[] {
  const { chance } = campaign;
  const ahead: Survival = chance.pick(["names", "torn"]);
  const behind: Survival = chance.pick(["ordered", "weak"]);
  const others = SURVIVALS.filter((one) => one !== ahead && one !== behind);
  const all: Survival[] = ["strict", ahead, behind, ...drawn(others, others.length, chance)];
  return all.slice(0, campaign.number("images"));
}

if (import.meta.main) await runCampaign("power", { points: 12, images: 3 }, losePower);
