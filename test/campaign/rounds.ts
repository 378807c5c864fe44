/**
 * V16: rounds of what many clients do to one account at once (Q1, F3, F14, F15).
 *
 *   bun test/campaign/rounds.ts [--seed N] [--rounds N] [--quota N] [--rivals N] [--readers N]
 *
 * `--rounds` is for all of them; a number for one of them, 0 too, takes its place there.
 */
import type { Scene, Server } from "../e2e/binary.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { plantCanary, violations, whatFails } from "./invariant.ts";
import { beginScene, serveIn } from "./rounds-ending.ts";
import { demandDescriptors, idleDescriptors, PASSWORD } from "./rounds-peers.ts";
import { QuotaRounds } from "./rounds-quota.ts";
import { ReaderRounds } from "./rounds-readers.ts";
import { RivalRounds } from "./rounds-rivals.ts";

export const COVERS = [
  ["put", "concurrent sessions"],
  ["put over a file", "concurrent sessions"],
  ["resume", "concurrent sessions"],
  ["get", "concurrent sessions"],
  ["rm", "concurrent sessions"],
  ["sign-in", "concurrent sessions"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

/** One kind of rounds: opened once, run many times. */
interface Rounds {
  readonly counts: Readonly<Record<string, number>>;
  run(): Promise<void>;
  close(): void;
}

const KINDS = [
  ["quota", QuotaRounds],
  ["rivals", RivalRounds],
  ["readers", ReaderRounds],
] as const;

const AS_ROUNDS = -1;
const DEFAULTS = { rounds: 3, quota: AS_ROUNDS, rivals: AS_ROUNDS, readers: AS_ROUNDS };

if (import.meta.main) await runCampaign("rounds", DEFAULTS, runAll);

async function runAll(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await beginScene();
  try {
    for (const [, kind] of KINDS) await kind.addAccount(scene);
    const isUntouched = await plantCanary(scene);
    const server = await serveIn(scene);
    const baseline = await idleDescriptors(scene, server, "quin");
    const counts: Record<string, unknown> = {};
    for (const [name, kind] of KINDS) {
      const own = campaign.number(name);
      const count = own === AS_ROUNDS ? campaign.number("rounds") : own;
      counts[`${name}Rounds`] = count;
      Object.assign(
        counts,
        await runRounds(name, await kind.open(scene, server, campaign), count, campaign),
      );
    }
    await demandInvariant(scene, server, baseline, campaign);
    if (!(await isUntouched())) campaign.fail("something changed beside the data directory");
    return counts;
  } finally {
    await scene.end();
  }
}

async function runRounds(
  name: string,
  rounds: Rounds,
  count: number,
  campaign: Campaign,
): Promise<Record<string, number>> {
  const beganMs = performance.now();
  try {
    for (let round = 1; round <= count; round += 1) {
      campaign.progress(`${name} ${round}/${count}`);
      await rounds.run();
    }
  } finally {
    rounds.close();
  }
  const meanMs = count === 0 ? 0 : Math.round((performance.now() - beganMs) / count);
  return { ...rounds.counts, [`${name}MeanMs`]: meanMs };
}

async function demandInvariant(
  scene: Scene,
  server: Server,
  baseline: number,
  campaign: Campaign,
): Promise<void> {
  await demandDescriptors(campaign, server, baseline);
  for (const failure of await whatFails(scene, server, "quin", PASSWORD)) campaign.fail(failure);
  for (const finding of await violations(scene)) campaign.fail(finding);
  if ((await server.stop()) !== 0) campaign.fail("the server did not end with status 0");
}
