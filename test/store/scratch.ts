/**
 * Scratch directories, a store in one, and looks at the disk behind its back.
 */
import fs from "node:fs";
import os from "node:os";
import { join } from "node:path";
import { parsePath } from "../../src/base/path.ts";
import { openDiskStore } from "../../src/store/disk.ts";
import type { DiskOptions } from "../../src/store/disk.ts";
import type { Way } from "../../src/store/jail.ts";
import { loadKernel } from "../../src/store/kernel.ts";
import type { Entry, Home, Listing, Store, Usage } from "../../src/store/store.ts";
import { openFilesOf } from "../support/process.ts";

export const NOTHING: Usage = { bytes: 0, files: 0 };

/** All that this system has. */
export const WAYS: readonly Way[] =
  loadKernel() === undefined ? ["walk", "path"] : ["kernel", "walk", "path"];

export interface Scratch {
  readonly dir: string;
  readonly storageDir: string;
  readonly store: Store;
  readonly home: Home;
  /** The home of "al" on the disk. */
  readonly homeDir: string;
  readonly close: () => Promise<void>;
}

export function makeScratchDir(): string {
  return fs.mkdtempSync(join(fs.realpathSync(os.tmpdir()), "ftpx-store-"));
}

export async function openScratch(options: DiskOptions = {}): Promise<Scratch> {
  const dir = makeScratchDir();
  const storageDir = join(dir, "storage");
  const store = await openDiskStore(storageDir, options);
  const home = await store.openHome("al");
  return {
    dir,
    storageDir,
    store,
    home,
    homeDir: join(storageDir, "al"),
    async close() {
      await home.close();
      await store.close();
      fs.rmSync(dir, { recursive: true, force: true });
    },
  };
}

let lastPart = 0;

/** Uploads a file as the vfs would. Answers what `publish` answers. */
export async function put(store: Store, home: Home, path: string, content: string) {
  const id = `part-${(lastPart += 1)}`;
  const file = await store.parts.create(id);
  await file.write([Buffer.from(content)], 0);
  await file.close();
  try {
    return await home.publish(id, parsePath(path));
  } finally {
    await store.parts.remove(id);
  }
}

export async function read(home: Home, path: string): Promise<string> {
  const file = await home.openFile(parsePath(path));
  try {
    const content = Buffer.alloc((await file.facts()).bytes);
    return content.subarray(0, await file.read(content, 0)).toString();
  } finally {
    await file.close();
  }
}

export async function namesIn(home: Home, path: string): Promise<string[]> {
  const listing = await home.list(parsePath(path));
  const pages = await pagesOf(listing, 100);
  await listing.close();
  return pages
    .flat()
    .map((entry) => entry.name)
    .toSorted();
}

export async function pagesOf(listing: Listing, entriesMax: number): Promise<Entry[][]> {
  const pages: Entry[][] = [];
  for (;;) {
    const page = await listing.next(entriesMax);
    if (page.length === 0) return pages;
    pages.push(page);
  }
}

export async function removeTree(home: Home, path: string): Promise<Usage> {
  const usages: Usage[] = [];
  await home.removeTree(parsePath(path), async (usage) => void usages.push(usage));
  return sum(usages);
}

/** A tree at "/t", with as many files as directories in each directory. Answers its usage. */
export async function growTree(
  { store, home }: Pick<Scratch, "store" | "home">,
  depth: number,
  width: number,
): Promise<Usage> {
  let usage: Usage = { bytes: 0, files: 1 };
  await home.makeDir(parsePath("/t"));
  const grow = async (path: string, levels: number): Promise<void> => {
    for (let index = 0; index < width; index += 1) {
      await put(store, home, `${path}/f${index}`, "12345");
      usage = sum([usage, { bytes: 5, files: 1 }]);
      if (levels === 0) continue;
      await home.makeDir(parsePath(`${path}/d${index}`));
      usage = sum([usage, { bytes: 0, files: 1 }]);
      await grow(`${path}/d${index}`, levels - 1);
    }
  };
  await grow("/t", depth - 1);
  return usage;
}

export function sum(usages: readonly Usage[]): Usage {
  const bytes = usages.reduce((total, usage) => total + usage.bytes, 0);
  const files = usages.reduce((total, usage) => total + usage.files, 0);
  return { bytes, files };
}

/**
 * Everything below a directory: path, kind, and content or link text. Not by a
 * recursive readdir, which in Bun 1.4.5 follows links.
 */
export function snapshot(dir: string): string[] {
  const names = fs.readdirSync(dir).toSorted();
  return names.flatMap((name) => {
    const path = join(dir, name);
    const stats = fs.lstatSync(path);
    if (stats.isSymbolicLink()) return [`${name} -> ${fs.readlinkSync(path)}`];
    if (stats.isFile()) return [`${name} = ${fs.readFileSync(path, "latin1")}`];
    if (!stats.isDirectory()) return [`${name} other`];
    return [`${name} directory`, ...snapshot(path).map((line) => `${name}/${line}`)];
  });
}

export function makeFifo(path: string): void {
  const { exitCode } = Bun.spawnSync(["mkfifo", path]);
  if (exitCode !== 0) throw new Error("mkfifo failed");
}

export function systemError(code: string): Error {
  return Object.assign(new Error(code), { code });
}

/** The kind of the refusal, or "done". */
export async function outcomeOf(work: Promise<unknown>): Promise<string> {
  try {
    await work;
    return "done";
  } catch (error) {
    if (error instanceof Error && "kind" in error) return String(error.kind);
    throw error;
  }
}

/** Open descriptors of what lies below `dir`. */
export function countDescriptors(dir: string): number {
  return openFilesOf(process.pid).filter((path) => path.startsWith(dir)).length;
}

/** Numbers from 0 up to 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
