import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { TREE_DEPTH_MAX } from "../../src/base/limits.ts";
import { parsePath } from "../../src/base/path.ts";
import { bestWay } from "../../src/store/jail.ts";
import type { Changes } from "../../src/store/changes.ts";
import type { Usage } from "../../src/store/store.ts";
import type { ManyFiles } from "./manyfiles.ts";
import {
  NOTHING,
  WAYS,
  countDescriptors,
  growTree,
  makeFifo,
  openScratch,
  outcomeOf,
  removeTree,
  snapshot,
  sum,
  systemError,
} from "./scratch.ts";

const PROGRAM = join(import.meta.dir, "manyfiles.ts");

/** Row D6 names 200,000; making so many files takes longer than all other tests. */
const ENTRIES = Number(process.env["FTPX_ENTRIES"] ?? 20_000);

for (const way of WAYS) {
  test.each(["EIO", "EACCES"])(
    `Q7 what could not be removed for %s is not reported as removed (${way})`,
    async (code) => {
      const faults = faultsOf(code);
      const scratch = await openScratch({ way, changes: faults.changes });
      const { home, close } = scratch;
      const before = await growTree(scratch, 1, 1);
      faults.failFrom(1);

      expect(await outcomeOf(home.removeFile(parsePath("/t/f0")))).not.toBe("done");
      expect(await outcomeOf(home.removeDir(parsePath("/t")))).not.toBe("done");
      expect(await outcomeOf(removeTree(home, "/t"))).not.toBe("done");
      expect(await home.measure()).toEqual(before);
      await close();
    },
  );

  test(`F17 removeTree that fails anywhere tells what went, and runs again (${way})`, async () => {
    for (const failAt of [1, 2, 3, 5, 8, 13, 21, 34]) {
      const faults = faultsOf("EIO");
      const scratch = await openScratch({ way, changes: faults.changes });
      const before = await growTree(scratch, 3, 3);
      const usages: Usage[] = [];
      const removed = async (usage: Usage) => void usages.push(usage);
      faults.failFrom(failAt);
      const first = await outcomeOf(scratch.home.removeTree(parsePath("/t"), removed));
      const left = await scratch.home.measure();
      faults.failFrom(Infinity);

      expect(first).toBe("IO_FAILED");
      expect(sum([...usages, left])).toEqual(before);
      expect(await removeTree(scratch.home, "/t")).toEqual(left);
      await scratch.close();
    }
  });

  test(`removeTree and measure count links and FIFOs, and follow none (${way})`, async () => {
    const { dir, home, homeDir, close } = await openScratch({ way });
    fs.mkdirSync(join(dir, "outside"));
    fs.writeFileSync(join(dir, "outside/f"), "canary");
    fs.mkdirSync(join(homeDir, "t"));
    fs.symlinkSync("../../../outside", join(homeDir, "t/out"));
    fs.symlinkSync(".", join(homeDir, "t/self"));
    makeFifo(join(homeDir, "t/fifo"));

    expect(await home.measure()).toEqual({ bytes: 0, files: 4 });
    expect(await removeTree(home, "/t")).toEqual({ bytes: 0, files: 4 });
    expect(snapshot(join(dir, "outside"))).toEqual(["f = canary"]);
    await close();
  });
}

test(`D6 ${ENTRIES} entries are listed and removed without stopping the loop`, async () => {
  const child = Bun.spawn([process.execPath, PROGRAM, String(ENTRIES)], { stderr: "inherit" });
  const text = await new Response(child.stdout).text();
  const { listed, removed, stallMs, grownBytes } = JSON.parse(text) as ManyFiles;

  expect(listed).toBe(ENTRIES);
  expect(removed).toBe(ENTRIES + 1);
  expect(stallMs).toBeLessThan(50);
  expect(grownBytes).toBeLessThan(64 * 1024 * 1024);
}, 120_000);

/** By real paths nothing is reached that is deeper than a path is long; ARCHITECTURE.md says so. */
const deepTest = test.skipIf(bestWay() === "path");

deepTest(
  "D6 a tree 5,000 deep is counted and removed with few descriptors",
  async () => {
    const depth = 5_000;
    const { dir, home, homeDir, close } = await openScratch();
    fs.closeSync(growDeep(join(homeDir, "t"), depth));
    const descriptors = countDescriptors(dir);
    let mostDescriptors = 0;

    expect(depth).toBeGreaterThan(TREE_DEPTH_MAX);
    expect(await home.measure()).toEqual({ bytes: 0, files: depth + 1 });
    await home.removeTree(parsePath("/t"), async () => {
      mostDescriptors = Math.max(mostDescriptors, countDescriptors(dir));
    });
    expect(mostDescriptors).toBeLessThan(descriptors + 32);
    expect(countDescriptors(dir)).toBe(descriptors);
    expect(await home.measure()).toEqual(NOTHING);
    await close();
  },
  60_000,
);

test("a directory that is moved while it is removed stops the work, and nothing else goes", async () => {
  let homeDir = "";
  const scratch = await openScratch({
    changes: (system) => ({
      ...system,
      async removeFile(at) {
        const halfway = join(homeDir, "t", ...Array.from({ length: 20 }, () => "d"));
        fs.renameSync(halfway, join(homeDir, "elsewhere/d"));
        await system.removeFile(at);
      },
    }),
  });
  ({ homeDir } = scratch);
  const bottom = growDeep(join(homeDir, "t"), 60);
  fs.writeFileSync(`/proc/self/fd/${bottom}/f`, "x");
  fs.closeSync(bottom);
  fs.mkdirSync(join(homeDir, "elsewhere"));
  fs.writeFileSync(join(homeDir, "elsewhere/f"), "bystander");

  const outcome = bestWay() === "path" ? "NO_SUCH_PATH" : "CHANGED";
  expect(await outcomeOf(removeTree(scratch.home, "/t"))).toBe(outcome);
  expect(fs.readFileSync(join(homeDir, "elsewhere/f"), "utf8")).toBe("bystander");
  await scratch.close();
});

/** Changes of which all removals fail from the n-th on. */
function faultsOf(code: string): {
  changes: (system: Changes) => Changes;
  failFrom(n: number): void;
} {
  let left = Infinity;
  const mayFail = (call: () => Promise<void>): Promise<void> => {
    left -= 1;
    return left > 0 ? call() : Promise.reject(systemError(code));
  };
  return {
    changes: (system) => ({
      ...system,
      removeFile: (at) => mayFail(() => system.removeFile(at)),
      removeDir: (at) => mayFail(() => system.removeDir(at)),
    }),
    failFrom: (n) => (left = n),
  };
}

/** A directory with `depth` others, each in the one before. Answers the descriptor of the last. */
function growDeep(top: string, depth: number): number {
  fs.mkdirSync(top);
  let fd = fs.openSync(top, fs.constants.O_DIRECTORY);
  for (let level = 0; level < depth; level += 1) {
    fs.mkdirSync(`/proc/self/fd/${fd}/d`);
    const below = fs.openSync(`/proc/self/fd/${fd}/d`, fs.constants.O_DIRECTORY);
    fs.closeSync(fd);
    fd = below;
  }
  return fd;
}
