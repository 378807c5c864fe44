/**
 * The tree of one account in a local directory.
 *
 * Changes of one home go one at a time, so that what is looked at first (what a rename
 * replaces, how large what goes is) is what is changed then, and every byte is
 * reported once. Only uploads are published side by side, each to a name in a directory
 * that is known by its inode: links let two paths name one thing, so paths would not
 * do. Reading needs no turn, because no file is written once it is here.
 */
import type { BigIntStats } from "node:fs";
import type { Crossing } from "../base/crossing.ts";
import { FtpxError, errorOfSystem, withPath } from "../base/errors.ts";
import { factsOf, isSameThing } from "../base/openfile.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { HOME, isWithin, parentOf } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { SharedWork } from "../base/sharedwork.ts";
import type { Changes } from "./changes.ts";
import type { Jail } from "./jail.ts";
import { DirectoryListing } from "./listing.ts";
import type { Directory, Location } from "./location.ts";
import type { DiskParts } from "./parts.ts";
import { demandExact } from "./spelling.ts";
import type { Home, Listing, Usage } from "./store.ts";
import { measureTree, removeTree, usageOf } from "./tree.ts";

const NOTHING: Usage = { bytes: 0, files: 0 };

export interface HomeTools {
  readonly jail: Jail;
  readonly parts: DiskParts;
  readonly changes: Changes;
  /** Whether the file system may take two names for one. */
  readonly isFolding: boolean;
  /**
   * One for all homes that are the same directory. Work in it must not wait for more work in
   * it.
   */
  readonly lane: Crossing;
}

interface Move {
  readonly source: Location;
  readonly target: Location;
  /** What is at the source. */
  readonly moved: BigIntStats;
  readonly mayReplace: boolean;
}

export class DiskHome implements Home {
  readonly #directory: Directory;
  readonly #jail: Jail;
  readonly #parts: DiskParts;
  readonly #changes: Changes;
  readonly #lane: Crossing;
  readonly #isFolding: boolean;
  readonly #syncs = new SharedWork();

  /** @param directory taken over */
  constructor(directory: Directory, tools: HomeTools) {
    this.#directory = directory;
    this.#jail = tools.jail;
    this.#parts = tools.parts;
    this.#changes = tools.changes;
    this.#lane = tools.lane;
    this.#isFolding = tools.isFolding;
  }

  async facts(path: VirtualPath): Promise<FileFacts> {
    if (path === HOME) return await this.#directory.facts();
    using place = await this.#jail.openParent(path);
    return factsOf(await place.stats());
  }

  async factsNow(path: VirtualPath): Promise<FileFacts> {
    if (path === HOME) return await this.#directory.facts();
    using place = await this.#jail.openParent(path);
    return factsOf(place.statsNow());
  }

  async list(path: VirtualPath): Promise<Listing> {
    return await DirectoryListing.open(await this.#jail.openDirectory(path));
  }

  async openFile(path: VirtualPath): Promise<OpenFile> {
    return await this.#jail.openFile(path);
  }

  async makeDir(path: VirtualPath): Promise<void> {
    if (path === HOME) throw new FtpxError("EXISTS");
    using place = await this.#jail.openParent(path);
    await this.#change(async () => {
      await this.#demandExact(place, await this.#findFolded(place));
      await this.#changes.makeDir(place);
    });
  }

  async removeFile(path: VirtualPath): Promise<Usage> {
    if (path === HOME) throw new FtpxError("IS_A_DIRECTORY");
    using place = await this.#jail.openParent(path);
    return await this.#change(async () => {
      const stats = await place.stats();
      if (stats.isDirectory()) throw new FtpxError("IS_A_DIRECTORY");
      await this.#changes.removeFile(place);
      return usageOf(stats);
    });
  }

  async removeDir(path: VirtualPath): Promise<Usage> {
    using place = await this.#jail.openParent(path);
    return await this.#change(async () => {
      await this.#changes.removeDir(place);
      return { bytes: 0, files: 1 };
    });
  }

  async removeTree(path: VirtualPath, removed: (usage: Usage) => Promise<void>): Promise<void> {
    using place = await this.#jail.openParent(path);
    await removeTree(place, { changes: this.#changes, lane: this.#lane, removed });
  }

  async move(from: VirtualPath, to: VirtualPath, mayReplace = true): Promise<Usage> {
    using source = await this.#jail.openParent(from);
    // Of two paths a refusal is about the source, unless it names the other.
    using target = await about(to, this.#jail.openParent(to));
    return await this.#change(async () => {
      const moved = await source.stats();
      if (from !== to && isWithin(from, to) && moved.isDirectory()) {
        throw new FtpxError("BAD_PATH", { reason: "a directory cannot be moved into itself" });
      }
      return await about(to, this.#move({ source, target, moved, mayReplace }));
    });
  }

  async publish(part: string, path: VirtualPath): Promise<Usage> {
    if (path === HOME) throw new FtpxError("IS_A_DIRECTORY");
    using target = await this.#jail.openParent(path);
    const source = this.#parts.at(part);
    if (!source.statsNow().isFile()) throw new FtpxError("NOT_A_FILE");
    return await this.#changeAt(target, async () => {
      const replaced = target.findNow();
      await this.#demandExact(target, replaced);
      if (replaced?.isDirectory() === true) throw new FtpxError("IS_A_DIRECTORY");
      if (replaced?.isFile() === false) throw new FtpxError("EXISTS");
      await this.#changes.rename(source, target, replaced !== undefined);
      return replaced === undefined ? NOTHING : usageOf(replaced);
    });
  }

  async syncParent(path: VirtualPath): Promise<void> {
    const parent = parentOf(path);
    await this.#syncs.join(parent, async () => {
      using directory = await this.#jail.openDirectory(parent);
      await directory.sync();
    });
  }

  async measure(): Promise<Usage> {
    return await measureTree(this.#directory);
  }

  close(): Promise<void> {
    this.#directory.close();
    return Promise.resolve();
  }

  async #move({ source, target, moved, mayReplace }: Move): Promise<Usage> {
    const replaced = await target.find();
    if (replaced === undefined) {
      if (moved.isDirectory() || !mayReplace) await this.#changes.renameNew(source, target);
      else await this.#changes.rename(source, target, false);
      return NOTHING;
    }
    const isSame = moved.ino === replaced.ino && moved.dev === replaced.dev;
    const isStaying = isSame && (await isSamePlace(source, target));
    // Another spelling of its own name, where the file system does not tell case, is free.
    const isTaken = isStaying || !isSame || moved.nlink > 1n;
    if (!mayReplace && isTaken) throw new FtpxError("EXISTS");
    if (isStaying) return NOTHING;
    // A new spelling of what is moved is no other thing.
    if (!isSame) await this.#demandExact(target, replaced);
    if (!moved.isFile() || !replaced.isFile()) throw new FtpxError("EXISTS");

    if (isSame && moved.nlink > 1n) {
      // Two hard links: rename(2) would report success and leave both.
      await this.#changes.removeFile(source);
      return usageOf(replaced);
    }
    await this.#changes.rename(source, target, true);
    // One link by two spellings, where the file system does not tell case: nothing went.
    return isSame ? NOTHING : usageOf(replaced);
  }

  /** What is there, where its name may be another's. */
  async #findFolded(place: Location): Promise<BigIntStats | undefined> {
    return this.#isFolding ? await place.find() : undefined;
  }

  /** @throws FtpxError SAME_NAME */
  async #demandExact(place: Location, there: BigIntStats | undefined): Promise<void> {
    if (this.#isFolding && there !== undefined) await demandExact(place);
  }

  /** Side by side with changes at other names, unless two names may be one. */
  async #changeAt<Value>(place: Location, work: () => Promise<Value>): Promise<Value> {
    if (this.#isFolding) return await this.#change(work);
    const { device, inode } = await place.directory.facts();
    const key = `${device}.${inode}/${Buffer.from(place.name).toString("latin1")}`;
    try {
      return await this.#lane.runAt(key, work);
    } catch (error) {
      throw errorOfSystem(error);
    }
  }

  async #change<Value>(work: () => Promise<Value>): Promise<Value> {
    try {
      return await this.#lane.run(work);
    } catch (error) {
      throw errorOfSystem(error);
    }
  }
}

async function about<Value>(path: VirtualPath, work: Promise<Value>): Promise<Value> {
  try {
    return await work;
  } catch (error) {
    throw withPath(errorOfSystem(error), path);
  }
}

async function isSamePlace(a: Location, b: Location): Promise<boolean> {
  if (Buffer.compare(a.name, b.name) !== 0) return false;
  return isSameThing(await a.directory.facts(), await b.directory.facts());
}
