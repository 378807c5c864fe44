/**
 * Runs the tests that know of the system's own ways without them: with each turned off alone, and
 * with all of them. `bun test/portable.ts [WAY…]`; what is left is what macOS and Windows have.
 */
import { SYSTEM_WAYS } from "../src/base/ways.ts";

/** The P table, races, trees, parts, replacement, recovery; with all turned off, more. */
const ALONE = ["store/plants", "store/disk", "store/jail", "base/replacement", "base/openfile"];
const TOGETHER = ["store", "base", "client", "vfs", "doors", "cli"];
const MINUTES_MAX = 4;

/** A way's tests, and whether they passed. */
async function runWithout(way: string): Promise<boolean> {
  const folders = (way === "all" ? TOGETHER : ALONE).map((name) => `test/${name}`);
  const words = ["test", "--define", `FTPX_WITHOUT=${JSON.stringify(way)}`, ...folders];
  const child = Bun.spawn([process.execPath, ...words], {
    cwd: new URL("..", import.meta.url).pathname,
    // So many paths are drawn once, by `bun test` itself.
    env: { FTPX_PATHS: "2000", FTPX_SWAP_MS: "500", ...process.env },
    stdout: "pipe",
    stderr: "pipe",
    timeout: MINUTES_MAX * 60_000,
  });
  const [, text] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  const isPassed = (await child.exited) === 0;
  if (!isPassed) console.log(text);
  // As bun itself sums up, so that whoever counts the tests counts these.
  console.log(`without ${way}`);
  for (const [line] of text.matchAll(/^ *\d+ (?:pass|fail|skip)$/gm)) console.log(line);
  return isPassed;
}

const asked = process.argv.slice(2);
const ways = asked.length > 0 ? asked : [...SYSTEM_WAYS, "all"];
let failedCount = 0;
for (const way of ways) if (!(await runWithout(way))) failedCount += 1;
process.exitCode = failedCount === 0 ? 0 : 1;
