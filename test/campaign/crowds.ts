/**
 * V11 to V13, D1, D2, D3, D9: crowds at a server that nobody configured.
 *
 *   bun test/campaign/crowds.ts [--seed N] [--silent N] [--idle N] [--churn N] [--readers N]
 *                               [--boasts N] [--addresses N] [--processes N] [--plain 1]
 *
 * `--silent`: connections that say nothing, or a byte a second, before they sign in.
 * `--idle`: sessions that are signed in and do nothing. `--churn`: connections that are made and
 * dropped. `--readers`: sessions that ask for much and read nothing. `--boasts`: connections that
 * announce a body of 4 GiB. 0 leaves one out. They come from as many loopback addresses as there
 * are peers, or from `--addresses`. Each crowd has a server of its own. `--plain 1` is for the
 * price of a session without TLS.
 *
 * By hand: --silent 5000, --idle 10000, --churn 100000, --readers 200, --boasts 1000, and the
 * others 0.
 */
import type { Campaign } from "./campaign.ts";
import { runCampaign } from "./campaign.ts";
import { boasts } from "./crowds-boasts.ts";
import { churn } from "./crowds-churn.ts";
import { allowDescriptors, crowdedScene } from "./crowds-ground.ts";
import { idle } from "./crowds-idle.ts";
import { readers } from "./crowds-readers.ts";
import { silent } from "./crowds-silent.ts";
import type { Scene } from "../e2e/binary.ts";

const DEFAULTS = {
  silent: 24,
  idle: 40,
  churn: 400,
  readers: 6,
  boasts: 40,
  addresses: 0,
  processes: 2,
  plain: 0,
};

if (import.meta.main) await runCampaign("crowds", DEFAULTS, runAll);

async function runAll(campaign: Campaign): Promise<Record<string, unknown>> {
  allowDescriptors();
  const results: Record<string, unknown> = {};
  const run = async (name: string, work: (scene: Scene, count: number) => Promise<unknown>) => {
    const count = campaign.number(name);
    if (count === 0) return;
    const scene = await crowdedScene();
    try {
      results[name] = await work(scene, count);
    } finally {
      await scene.end();
    }
  };
  const addresses = campaign.number("addresses");
  const others = async () => {
    await run("idle", (scene, count) =>
      idle(campaign, scene, {
        count,
        processes: campaign.number("processes"),
        isPlain: campaign.number("plain") > 0,
      }),
    );
    await run("churn", (scene, count) => churn(campaign, scene, count));
    await run("readers", (scene, count) => readers(campaign, scene, count));
    await run("boasts", (scene, count) => boasts(campaign, scene, count));
  };
  // It takes as long as the deadline, and most of that is waiting.
  await Promise.all([
    run("silent", (scene, count) => silent(campaign, scene, { count, addresses })),
    others(),
  ]);
  return results;
}
