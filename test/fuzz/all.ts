/**
 * Every fuzzer, one after the other, with a size for minutes, or so many times as much.
 *
 *   bun test/fuzz/all.ts [--seed N] [--times N]
 *
 * Ends with status 1 when one of them has found something; each says with which seed.
 */
import { runCampaign } from "../campaign/campaign.ts";

const ROOT = new URL("../../", import.meta.url).pathname;

/** What each is given, of what it counts. */
const FUZZERS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  frames: { count: 4_000_000 },
  accounts: { count: 20_000 },
  texts: { count: 40_000, notes: 2000 },
  sessions: { sessions: 4000 },
};

await runCampaign("fuzz", { times: 1 }, async (campaign) => {
  const counts: Record<string, unknown> = {};
  for (const [name, sizes] of Object.entries(FUZZERS)) {
    const options = Object.entries(sizes).flatMap(([option, size]) => [
      `--${option}`,
      String(Math.ceil(size * campaign.number("times"))),
    ]);
    const lanes = name === "frames" || name === "accounts" ? ["--lanes", "2"] : [];
    const seed = ["--seed", String(campaign.seed)];
    const words = [process.execPath, `test/fuzz/${name}.ts`, ...seed, ...options, ...lanes];
    const child = Bun.spawn(words, {
      cwd: ROOT,
      stdin: "ignore",
      stdout: "pipe",
      stderr: "inherit",
    });
    const [stdout, status] = await Promise.all([new Response(child.stdout).text(), child.exited]);
    if (status !== 0) campaign.fail(`${name} ended with status ${status}`);
    counts[name] = JSON.parse(stdout || "{}");
  }
  return counts;
});
