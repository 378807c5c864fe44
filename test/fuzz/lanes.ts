/**
 * One fuzzer in several processes at once, each with a share of the work and a seed of its own
 * that follows from the seed of all. A lane is the same program with `--lane N`, from 1.
 */
import type { Campaign } from "../campaign/campaign.ts";

/** Numbers that a fuzzer which runs in lanes takes beside its own. */
export const LANE_OPTIONS = { lanes: 1, lane: 0 } as const;

/** Whether this process does the work itself: it is a lane, or the only one. */
export function isLane(campaign: Campaign): boolean {
  return campaign.number("lane") > 0 || campaign.number("lanes") === 1;
}

/**
 * Runs the lanes and adds up what they count.
 *
 * @param script the file of the program, below the root
 * @param counts options of which each lane gets its share
 */
export async function runLanes(
  campaign: Campaign,
  script: string,
  counts: readonly string[],
): Promise<Record<string, unknown>> {
  const laneCount = campaign.number("lanes");
  const numbers = Array.from({ length: laneCount }, (_, index) => index + 1);
  const lanes = numbers.map(async (lane) => {
    const shares = counts.flatMap((name) => [
      `--${name}`,
      String(Math.ceil(campaign.number(name) / laneCount)),
    ]);
    const seed = ["--seed", String(campaign.seed + lane)];
    const place = ["--lanes", String(laneCount), "--lane", String(lane)];
    const child = Bun.spawn([process.execPath, script, ...seed, ...place, ...shares], {
      cwd: new URL("../../", import.meta.url).pathname,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const [stdout, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    if (status !== 0) campaign.fail(`lane ${lane} ended with status ${status}`);
    return JSON.parse(stdout || "{}") as Record<string, unknown>;
  });
  const sums: Record<string, number> = {};
  for (const counted of await Promise.all(lanes)) {
    for (const [name, value] of Object.entries(counted)) {
      if (typeof value !== "number" || ["seed", "failures", "seconds"].includes(name)) continue;
      sums[name] = (sums[name] ?? 0) + value;
    }
  }
  return { lanes: laneCount, ...sums };
}
