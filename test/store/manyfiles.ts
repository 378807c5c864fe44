/**
 * The program of row D6: lists and removes a directory of so many files, the argument, and
 * prints how long the loop stood still at most and how much memory came to it. In a process of
 * its own, because what others have left in one counts for or against it.
 */
import fs from "node:fs";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import { threadMs } from "../support/process.ts";
import { openScratch, removeTree } from "./scratch.ts";

export interface ManyFiles {
  readonly listed: number;
  readonly removed: number;
  readonly stallMs: number;
  readonly grownBytes: number;
}

const entries = Number(process.argv[2]);
const { home, homeDir, close } = await openScratch();
fs.mkdirSync(join(homeDir, "t"));
for (let index = 0; index < entries; index += 1) {
  fs.closeSync(fs.openSync(join(homeDir, `t/one-of-the-files-${index}`), "w"));
}
Bun.gc(true);
const watch = watchLoop();
const listing = await home.list(parsePath("/t"));
let listed = 0;
for (let page = await listing.next(800); page.length > 0; page = await listing.next(800)) {
  listed += page.length;
}
await listing.close();
const { files: removed } = await removeTree(home, "/t");
const found: ManyFiles = { listed, removed, ...watch.stop() };
await close();
console.log(JSON.stringify(found));

/**
 * The longest time between two turns of the loop in which this thread had the processor; what
 * other processes take of a busy machine is not the loop's.
 */
function watchLoop(): { stop(): { stallMs: number; grownBytes: number } } {
  const started = process.memoryUsage.rss();
  let [stallMs, mostBytes, last] = [0, 0, threadMs()];
  const look = () => {
    const now = threadMs();
    stallMs = Math.max(stallMs, now - last);
    mostBytes = Math.max(mostBytes, process.memoryUsage.rss());
    last = now;
  };
  const timer = setInterval(look, 1);
  return {
    stop() {
      look();
      clearInterval(timer);
      return { stallMs, grownBytes: mostBytes - started };
    },
  };
}
