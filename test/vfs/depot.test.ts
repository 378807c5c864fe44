import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdir, writeFile } from "node:fs/promises";
import { parsePath } from "../../src/base/path.ts";
import { openState } from "../../src/state/state.ts";
import { Digests } from "../../src/store/digests.ts";
import { openDiskStore } from "../../src/store/disk.ts";
import { Depot } from "../../src/vfs/depot.ts";
import type { Vfs } from "../../src/vfs/vfs.ts";
import { Folder } from "../support/folder.ts";

let folder: Folder;
let depot: Depot;
let vfs: Vfs;

beforeEach(async () => {
  folder = new Folder();
  const store = await openDiskStore(folder.at("storage"));
  depot = new Depot(await openState(folder.at("state.sqlite")), store, new Digests());
  vfs = await depot.enter("ann", () => ({ bytes: 1e9, files: 1e6 }));
});

afterEach(async () => {
  await vfs.leave();
  await depot.close();
  folder.remove();
});

const used = async () => (await depot.state.account("ann"))?.used;

test("removing what was put there by hand succeeds, and the home is counted again", async () => {
  await vfs.makeDir(parsePath("/d"), false);
  await writeFile(folder.at("storage/ann/large"), "x".repeat(1000));
  await writeFile(folder.at("storage/ann/d/small"), "x");
  await vfs.removeFile(parsePath("/large"));
  expect(await depot.recounts.settled()).toBe(true);

  expect(await used()).toEqual({ bytes: 1, files: 2 });
});

test("a tree that was put there by hand goes whole, and the home is counted again", async () => {
  await mkdir(folder.at("storage/ann/t/u"), { recursive: true });
  for (let index = 0; index < 300; index += 1) {
    await writeFile(folder.at(`storage/ann/t/u/${index}`), "x");
  }
  await vfs.makeDir(parsePath("/d"), false);
  await vfs.removeTree(parsePath("/t"), () => {});
  expect(await depot.recounts.settled()).toBe(true);

  expect(await used()).toEqual({ bytes: 0, files: 1 });
});
