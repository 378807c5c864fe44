/**
 * Walks a whole tree, children first: to remove it or to count it.
 *
 * However deep the tree is, there is no recursion and a few directories are open.
 * The way back up to the others is `..`, which must be the directory that was left;
 * when somebody moved a directory meanwhile, the walk stops with CHANGED. Links are
 * not followed. What vanishes meanwhile is no failure.
 */
import type { BigIntStats } from "node:fs";
import type { Crossing } from "../base/crossing.ts";
import { FtpxError, errorOfSystem, isKind } from "../base/errors.ts";
import { isSameThing } from "../base/openfile.ts";
import type { FileFacts } from "../base/openfile.ts";
import type { Changes } from "./changes.ts";
import { LOOKS_AT_ONCE } from "./listing.ts";
import { Names } from "./names.ts";
import { Directory, Location } from "./location.ts";
import type { Usage } from "./store.ts";

/** What went is reported after so many entries: seldom enough for a database, often for a person. */
const REPORT_AFTER_FILES = 512;

interface Visitor {
  /** Looks at some entries of a directory and answers those it wants to go into. */
  visit(places: readonly Location[]): Promise<Location[]>;
  /** All below this directory has been visited. */
  leave(place: Location): Promise<void>;
}

/** Directories above the current one that stay open; those further up are found again by `..`. */
const OPEN_ABOVE_MAX = 16;

/** A directory that was left for one below it. */
interface Above {
  /** Open, or what it must turn out to be. */
  kept: Directory | FileFacts;
  /** The name that was gone into. */
  readonly entered: Uint8Array;
  /** Names still to go into. */
  readonly names: Names;
}

export interface RemovalTools {
  readonly changes: Changes;
  readonly lane: Crossing;
  readonly removed: (usage: Usage) => Promise<void>;
}

/**
 * Removes the directory at `place` and all it holds. `removed` hears what went, in
 * batches, before this ends in either way.
 *
 * @throws FtpxError NO_SUCH_PATH, NOT_A_DIRECTORY (a link too), NOT_EMPTY, CHANGED
 */
export async function removeTree(place: Location, tools: RemovalTools): Promise<void> {
  if (!(await place.stats()).isDirectory()) throw new FtpxError("NOT_A_DIRECTORY");
  const removal = new Removal(tools);
  try {
    using root = await place.directory.openChild(place.name);
    await walkTree(root, removal);
    await removal.leave(place);
  } finally {
    await removal.report();
  }
}

/** Counts what is below `root`, `root` itself not. */
export async function measureTree(root: Directory): Promise<Usage> {
  let bytes = 0;
  let files = 0;
  await walkTree(root, {
    async visit(places) {
      const found = await Promise.all(places.map((place) => place.find()));
      const below: Location[] = [];
      for (const [index, stats] of found.entries()) {
        const place = places[index];
        if (stats === undefined || place === undefined) continue;
        const usage = usageOf(stats);
        bytes += usage.bytes;
        files += usage.files;
        if (stats.isDirectory()) below.push(place);
      }
      return below;
    },
    leave: () => Promise.resolve(),
  });
  return { bytes, files };
}

/** What one entry counts, whatever it is. */
export function usageOf(stats: BigIntStats): Usage {
  return { bytes: stats.isFile() ? Number(stats.size) : 0, files: 1 };
}

class Removal implements Visitor {
  readonly #tools: RemovalTools;
  #bytes = 0;
  #files = 0;

  constructor(tools: RemovalTools) {
    this.#tools = tools;
  }

  async visit(places: readonly Location[]): Promise<Location[]> {
    const below: Location[] = [];
    await this.#change(() =>
      everyOne(places, async (place) => {
        const stats = await place.find();
        if (stats === undefined) return;
        if (stats.isDirectory()) below.push(place);
        else await this.#remove(() => this.#tools.changes.removeFile(place), usageOf(stats));
      }),
    );
    return below;
  }

  async leave(place: Location): Promise<void> {
    const usage = { bytes: 0, files: 1 };
    await this.#change(() => this.#remove(() => this.#tools.changes.removeDir(place), usage));
  }

  async report(): Promise<void> {
    const usage = { bytes: this.#bytes, files: this.#files };
    if (usage.files === 0) return;
    this.#bytes = 0;
    this.#files = 0;
    await this.#tools.removed(usage);
  }

  async #change(work: () => Promise<void>): Promise<void> {
    await this.#tools.lane.run(work);
    if (this.#files >= REPORT_AFTER_FILES) await this.report();
  }

  /** Counts only what this call has removed: not what somebody else did, not what failed. */
  async #remove(remove: () => Promise<void>, usage: Usage): Promise<void> {
    try {
      await remove();
    } catch (error) {
      const refusal = errorOfSystem(error);
      if (isKind(refusal, "NO_SUCH_PATH")) return;
      throw refusal;
    }
    this.#bytes += usage.bytes;
    this.#files += usage.files;
  }
}

async function walkTree(root: Directory, visitor: Visitor): Promise<void> {
  const path: Above[] = [];
  let directory = await root.reopen();
  try {
    let names = await visitAll(directory, visitor);
    for (;;) {
      const [name] = names.take(1);
      if (name !== undefined) {
        const child = await unlessGone(directory.openChild(name));
        if (child === undefined) continue;
        path.push({ kept: directory, entered: name, names });
        directory = child;
        await closeFarthest(path);
        names = await visitAll(directory, visitor);
      } else {
        const above = path.pop();
        if (above === undefined) return;
        directory = await goUp(directory, above.kept);
        await visitor.leave(new Location(directory, above.entered));
        names = above.names;
      }
    }
  } finally {
    directory.close();
    for (const { kept } of path) if (kept instanceof Directory) kept.close();
  }
}

async function closeFarthest(path: Above[]): Promise<void> {
  const farthest = path.at(-1 - OPEN_ABOVE_MAX);
  if (!(farthest?.kept instanceof Directory)) return;
  const directory = farthest.kept;
  farthest.kept = await directory.facts();
  directory.close();
}

/** Closes a directory and answers the one above it. */
async function goUp(directory: Directory, kept: Directory | FileFacts): Promise<Directory> {
  const above = kept instanceof Directory ? kept : await findAbove(directory, kept);
  directory.close();
  return above;
}

async function findAbove(directory: Directory, expected: FileFacts): Promise<Directory> {
  const above = await directory.openAbove();
  try {
    if (isSameThing(expected, await above.facts())) return above;
    throw new FtpxError("CHANGED");
  } catch (error) {
    above.close();
    throw error;
  }
}

/** Visits all entries and answers the names to go into. */
async function visitAll(directory: Directory, visitor: Visitor): Promise<Names> {
  const names = await unlessGone(Names.read(directory));
  const below: Uint8Array[] = [];
  for (;;) {
    const some = names?.take(LOOKS_AT_ONCE) ?? [];
    const places = some.map((name) => new Location(directory, name));
    if (places.length === 0) return Names.of(below);
    for (const place of await visitor.visit(places)) below.push(place.name);
  }
}

async function unlessGone<Value>(work: Promise<Value>): Promise<Value | undefined> {
  try {
    return await work;
  } catch (error) {
    if (isKind(error, "NO_SUCH_PATH")) return undefined;
    throw error;
  }
}

/** Does the work on all items and waits for all, then throws what failed first. */
async function everyOne<Item>(
  items: readonly Item[],
  work: (item: Item) => Promise<void>,
): Promise<void> {
  for (const outcome of await Promise.allSettled(items.map(work))) {
    if (outcome.status === "rejected") throw outcome.reason;
  }
}
