/**
 * Row P4: a directory becomes a link and a directory again, faster than anybody can
 * look and then act.
 */
import { expect, test } from "bun:test";
import fs from "node:fs";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import { loadKernel } from "../../src/store/kernel.ts";
import type { Home, Store } from "../../src/store/store.ts";
import {
  WAYS,
  countDescriptors,
  namesIn,
  openScratch,
  outcomeOf,
  put,
  read,
  removeTree,
  snapshot,
} from "./scratch.ts";
import type { Swaps } from "./swapper.ts";

const SWAP_MS = Number(process.env["FTPX_SWAP_MS"] ?? 2_000);

/** By real paths the race is open; SECURITY.md says so. */
const ANCHORED_WAYS = WAYS.filter((way) => way !== "path");

test.skipIf(loadKernel() === undefined).each([...ANCHORED_WAYS])(
  `P4 nothing outside is touched in ${SWAP_MS} ms of a directory that becomes a link (%s)`,
  async (way) => {
    const { store, home, homeDir, dir, close } = await openScratch({ way });
    const outside = join(dir, "outside");
    fs.mkdirSync(join(outside, "t"), { recursive: true });
    fs.writeFileSync(join(outside, "f"), "canary");
    fs.writeFileSync(join(outside, "t/f"), "canary");
    fs.mkdirSync(join(homeDir, "d"));
    fs.symlinkSync("../../outside", join(homeDir, "e"));
    const before = snapshot(outside);
    const descriptors = countDescriptors(dir);

    const outcomes = new Map<string, number>();
    const swaps = await swapWhile(homeDir, async (isOver) => {
      while (!isOver()) await useAll(store, home, outcomes);
    });
    expect(swaps).toBeGreaterThan(1_000);
    // The race is one only when both names are met.
    expect(outcomes.get("done")).toBeGreaterThan(100);
    expect(outcomes.get("OUTSIDE_HOME")).toBeGreaterThan(100);
    expect(outcomes.get("IO_FAILED")).toBeUndefined();
    expect(snapshot(outside)).toEqual(before);
    expect(countDescriptors(dir)).toBe(descriptors);
    await close();
  },
  SWAP_MS + 30_000,
);

test.skipIf(loadKernel() === undefined)(
  "P4 a link with .. in it is followed, whatever is renamed elsewhere",
  async () => {
    const { home, homeDir, close } = await openScratch({ way: "kernel" });
    for (const name of ["d", "e", "a"]) fs.mkdirSync(join(homeDir, name));
    fs.writeFileSync(join(homeDir, "f"), "inside");
    fs.symlinkSync("../a/../a/../f", join(homeDir, "a/link"));

    await swapWhile(homeDir, async () => {
      for (let count = 0; count < 5_000; count += 1) {
        const file = await home.openFile(parsePath("/a/link"));
        await file.close();
      }
    });
    await close();
  },
);

/** Everything that can be done with "/d", which is a directory now and a link then. */
async function useAll(store: Store, home: Home, outcomes: Map<string, number>): Promise<void> {
  const works: (() => Promise<unknown>)[] = [
    () => put(store, home, "/d/f", "inside"),
    async () => expect(await read(home, "/d/f")).toBe("inside"),
    () => home.facts(parsePath("/d/f")),
    () => home.makeDir(parsePath("/d/t")),
    () => put(store, home, "/d/t/f", "inside"),
    () => namesIn(home, "/d"),
    () => home.move(parsePath("/d/f"), parsePath("/d/g")),
    () => home.syncParent(parsePath("/d/f")),
    () => home.removeFile(parsePath("/d/g")),
    () => removeTree(home, "/d/t"),
    () => home.removeDir(parsePath("/d/t")),
    () => home.measure(),
    () => removeTree(home, "/d"),
    () => home.makeDir(parsePath("/d")),
  ];
  for (const work of works) {
    const outcome = await outcomeOf(work());
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }
}

/** Swaps "d" and "e" of a directory while `work` runs. Answers how often it did. */
async function swapWhile(
  dir: string,
  work: (isOver: () => boolean) => Promise<void>,
): Promise<number> {
  const fd = fs.openSync(dir, fs.constants.O_DIRECTORY);
  const stop = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(new URL("./swapper.ts", import.meta.url).href);
  const ended = new Promise<number>((resolve) => {
    worker.addEventListener("message", (event: MessageEvent<number>) => resolve(event.data));
  });
  const request: Swaps = { fd, names: ["d", "e"], stop };
  worker.postMessage(request);
  const started = performance.now();
  try {
    await work(() => performance.now() - started > SWAP_MS);
  } finally {
    Atomics.store(stop, 0, 1);
  }
  const swaps = await ended;
  worker.terminate();
  fs.closeSync(fd);
  return swaps;
}
