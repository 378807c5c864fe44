/**
 * V10: transfers over lines that break (F1, F4, F13, F16).
 *
 *   bun test/campaign/lines.ts [--seed N] [--transfers N] [--bits N] [--vanish N] [--dead N] [--reap 1]
 *
 * By hand only, because silence takes a minute to be noticed: `--dead N`, transfers whose
 * line dies in the middle, and `--reap 1`, a hundred clients in a hole.
 */
import type { Scene, Server } from "../e2e/binary.ts";
import { runCampaign } from "./campaign.ts";
import type { Campaign } from "./campaign.ts";
import { plantCanary, violations, whatFails } from "./invariant.ts";
import type { Told } from "./invariant.ts";
import { BitRuns } from "./lines-bits.ts";
import { SilentRuns } from "./lines-silent.ts";
import { TransferRuns } from "./lines-transfers.ts";
import { Watcher } from "./lines-watcher.ts";
import { beginScene, serveIn } from "./rounds-ending.ts";
import { demandDescriptors, idleDescriptors, PASSWORD } from "./rounds-peers.ts";

export const COVERS = [
  ["put", "cut line"],
  ["put", "stalled line"],
  ["put", "dribbling line"],
  ["put", "flipped bits"],
  ["put", "silent peer"],
  ["put over a file", "cut line"],
  ["put over a file", "stalled line"],
  ["put over a file", "dribbling line"],
  ["put over a file", "flipped bits"],
  ["resume", "cut line"],
  ["resume", "silent peer"],
  ["resume", "flipped bits"],
  ["get", "cut line"],
  ["get", "stalled line"],
  ["get", "dribbling line"],
  ["get", "flipped bits"],
  ["get", "silent peer"],
  ["sign-in", "cut line"],
  ["sign-in", "stalled line"],
  ["sign-in", "dribbling line"],
  ["sign-in", "flipped bits"],
  ["sign-in", "silent peer"],
] as const satisfies readonly (readonly [operation: string, fault: string])[];

const DEFAULTS = { transfers: 20, bits: 150, vanish: 1, dead: 0, reap: 0 };

if (import.meta.main) await runCampaign("lines", DEFAULTS, runLines);

async function runLines(campaign: Campaign): Promise<Record<string, unknown>> {
  const scene = await beginScene();
  try {
    await TransferRuns.addAccounts(scene);
    await SilentRuns.addAccount(scene);
    const isUntouched = await plantCanary(scene);
    const server = await serveIn(scene, "--plain", "127.0.0.1:0");
    const baseline = await idleDescriptors(scene, server, "lena");
    const silent = new SilentRuns(scene, server, campaign);
    const [{ told, counts }] = await Promise.all([
      runBusy(scene, server, silent, campaign),
      silent.deafServer(),
      silent.dieInTheMiddle(campaign.number("dead")),
    ]);
    if (campaign.number("reap") > 0) await silent.reap();
    await demandInvariant(scene, server, baseline, [...told, ...silent.told], campaign);
    if (!(await isUntouched())) campaign.fail("something changed beside the data directory");
    return { ...counts, ...silent.counts };
  } finally {
    await scene.end();
  }
}

/** What needs the machine, beside what only waits. */
async function runBusy(
  scene: Scene,
  server: Server,
  silent: SilentRuns,
  campaign: Campaign,
): Promise<{ told: readonly Told[]; counts: Record<string, unknown> }> {
  const { port } = await server.event("listening-plain");
  const watcher = new Watcher(campaign, TransferRuns.foldersOf(scene));
  const bits = new BitRuns(scene, Number(port), campaign, watcher);
  const runs = new TransferRuns(scene, server, Number(port), campaign, watcher);
  try {
    // Those that vanish mostly wait.
    await Promise.all([
      silent.vanish(campaign.number("vanish")),
      bits.run(campaign.number("bits")),
    ]);
    await runs.run(campaign.number("transfers"));
  } finally {
    await watcher.stop();
  }
  const { struck, counts } = runs;
  const resumed = server.events.filter(({ resumedAt }) => Number(resumedAt ?? 0) > 0);
  return {
    told: [...runs.told, ...bits.told],
    counts: {
      ...counts,
      resumed: resumed.length,
      struck,
      ...bits.counts,
      versionsSeen: watcher.seenCount,
    },
  };
}

async function demandInvariant(
  scene: Scene,
  server: Server,
  baseline: number,
  told: readonly Told[],
  campaign: Campaign,
): Promise<void> {
  await demandDescriptors(campaign, server, baseline);
  for (const failure of await whatFails(scene, server, "lena", PASSWORD)) campaign.fail(failure);
  for (const finding of await violations(scene, told)) campaign.fail(finding);
  if ((await server.stop()) !== 0) campaign.fail("the server did not end with status 0");
}
