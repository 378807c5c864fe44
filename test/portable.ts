/**
 * Runs the tests that know of the system's own ways without them: with each turned off alone, and
 * with all of them. `bun test/portable.ts [WAY…]`; what is left is what macOS and Windows have.
 */
import { SYSTEM_WAYS } from "../src/base/ways.ts";
import type { SystemWay } from "../src/base/ways.ts";

/** The tests that know of each, below test/: the P table, races, trees, parts, replacement. */
const TESTS: Readonly<Record<SystemWay | "all", readonly string[]>> = {
  openat2: ["store/plants", "store/jail", "store/race"],
  renameat2: ["store/disk", "vfs"],
  "descriptor-paths": ["store/plants", "store/tree", "store/disk"],
  "held-files": ["store/disk"],
  "no-follow": ["store/plants", "base/openfile", "client/part", "client/get"],
  "directory-flag": ["store/plants", "store/disk"],
  "directory-sync": ["base/directories", "base/replacement", "vfs"],
  "boot-id": ["client/part", "client/get"],
  "process-facts": ["cli/progress", "doors"],
  "unix-socket": ["doors"],
  "thread-pool": ["base/openfile"],
  all: ["store", "base", "client", "vfs", "doors", "cli"],
};

const MINUTES_MAX = 4;
/** On a machine that has other things to do as well. */
const TEST_MS_MAX = 60_000;

/** Runs a way's tests without it. @returns whether they passed */
async function runWithout(way: SystemWay | "all"): Promise<boolean> {
  const folders = TESTS[way].map((name) => `test/${name}`);
  const words = [
    "test",
    "--timeout",
    `${TEST_MS_MAX}`,
    "--define",
    `FTPX_WITHOUT=${JSON.stringify(way)}`,
    ...folders,
  ];
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
const ways = ([...SYSTEM_WAYS, "all"] as const).filter(
  (way) => asked.length === 0 || asked.includes(way),
);
let failedCount = 0;
for (const way of ways) if (!(await runWithout(way))) failedCount += 1;
process.exitCode = failedCount === 0 ? 0 : 1;
