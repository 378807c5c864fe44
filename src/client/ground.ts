/**
 * A directory of this machine into which a tree of a server goes. Nothing is written outside
 * of it: a link that stands in it and leads out is refused, and so is a name that falls
 * together with another one of the same tree, because this file system folds case or
 * spelling. Who else changes the directory meanwhile is trusted as any program of this user.
 */
import type { BigIntStats } from "node:fs";
import { lstat, mkdir, utimes } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { syncDirectory } from "../base/directories.ts";
import { errorOfSystem, FtpxError, isKind } from "../base/errors.ts";
import { systemPath } from "../base/path.ts";
import { renamePatiently } from "../base/renaming.ts";
import { findNow, localFailure, realPath } from "./copy.ts";
import { parentOf } from "./foliage.ts";

/** What one command has put on this machine, by device and inode. */
export class Taken {
  readonly #paths = new Map<string, string>();

  /**
   * @returns what stands there, if anything does
   * @throws FtpxError NAME_COLLISION for what another name of the same command has put there
   */
  async demandFree(path: string, calledPath = path): Promise<BigIntStats | undefined> {
    const stats = await lstat(systemPath(path), { bigint: true }).catch(absent);
    this.#demandSame(stats, calledPath);
    return stats;
  }

  /** As `add`, of what was put there a moment ago: the system has its name in memory. */
  addNow(path: string): void {
    const stats = findNow(path);
    this.#demandSame(stats, path);
    if (stats !== undefined) this.#paths.set(keyOf(stats), path);
  }

  /** @param calledPath where it was written to, when a link led elsewhere @throws as demandFree */
  async add(path: string, calledPath = path): Promise<void> {
    const stats = await this.demandFree(path, calledPath);
    if (stats !== undefined) this.#paths.set(keyOf(stats), calledPath);
  }

  #demandSame(stats: BigIntStats | undefined, calledPath: string): void {
    const other = stats && this.#paths.get(keyOf(stats));
    if (other === undefined || other === calledPath) return;
    throw new FtpxError("NAME_COLLISION", { path: calledPath, file: other });
  }
}

function keyOf({ dev, ino }: BigIntStats): string {
  return `${dev}.${ino}`;
}

export class Ground {
  readonly #root: string;
  /** Directories of the tree that are there, by their paths from the root: where they are. */
  readonly #places = new Map<string, string>();
  readonly #taken: Taken;
  /** Directories in which one was made. */
  readonly #changed = new Set<string>();

  private constructor(root: string, taken: Taken) {
    this.#root = root;
    this.#taken = taken;
    this.#places.set("", root);
  }

  /**
   * Makes the directory if need be, and those above it.
   *
   * @throws FtpxError NAME_COLLISION, NOT_A_DIRECTORY, LOCAL_IO
   */
  static async open(path: string, taken: Taken): Promise<Ground> {
    try {
      const made = await makeMissing(path);
      const ground = new Ground(await realPath(path), taken);
      for (const directory of made) ground.#changed.add(directory);
      if (!(await lstat(systemPath(ground.#root))).isDirectory()) {
        throw new FtpxError("NOT_A_DIRECTORY", { path });
      }
      await taken.add(ground.#root);
      return ground;
    } catch (error) {
      throw notThere(error, path);
    }
  }

  /**
   * A directory of the tree, whose own directory was made before.
   *
   * @throws FtpxError LEADS_OUT, NAME_COLLISION, NOT_A_DIRECTORY, LOCAL_IO
   */
  async makeDirectory(relative: string): Promise<void> {
    const path = this.place(relative);
    try {
      const isMade = await makeOne(path);
      if (isMade) this.#changed.add(dirname(path));
      const real = isMade ? path : await this.#realDirectory(path);
      await this.#taken.add(real, path);
      this.#places.set(relative, real);
    } catch (error) {
      throw localFailure(error, path);
    }
  }

  /** Where something of the tree is on this machine. @throws FtpxError when its directory was not made */
  place(relative: string): string {
    const parent = parentOf(relative);
    const directory = relative.includes("/") ? this.#places.get(parent) : this.#root;
    if (directory === undefined) throw new FtpxError("NO_LOCAL_FILE", { path: parent });
    return join(directory, relative.slice(relative.lastIndexOf("/") + 1));
  }

  hasDirectory(relative: string): boolean {
    return this.#places.has(relative);
  }

  /**
   * That a file can be written at its place without touching anything else: told again for
   * each file, right before it is.
   *
   * @throws FtpxError LEADS_OUT, NAME_COLLISION, LOCAL_EXISTS, LOCAL_IO
   */
  async demandFree(relative: string): Promise<void> {
    const path = this.place(relative);
    try {
      const there = await this.#taken.demandFree(path);
      if (there?.isSymbolicLink() === true) await this.#demandInside(path);
    } catch (error) {
      throw localFailure(error, path);
    }
  }

  /**
   * What was put together beside a place takes it, now that it is free.
   *
   * @throws FtpxError LOCAL_EXISTS when it is not, LOCAL_IO
   */
  async adopt(staged: string, relative: string): Promise<void> {
    const [from, to] = [this.place(staged), this.place(relative)];
    try {
      // A rename would replace a file that has come there meanwhile.
      const found = await lstat(systemPath(to)).catch(absent);
      if (found !== undefined) throw new FtpxError("LOCAL_EXISTS", { path: to });
      await renamePatiently(systemPath(from), systemPath(to));
      this.#changed.add(dirname(to));
    } catch (error) {
      throw localFailure(error, to);
    }
  }

  /** A file was written at its place. @throws FtpxError LOCAL_IO */
  async written(relative: string): Promise<void> {
    this.#taken.addNow(this.place(relative));
  }

  /**
   * That something which is to go was not put there under another name, on a file system that
   * folds names.
   *
   * @throws FtpxError NAME_COLLISION
   */
  async demandUnused(path: string): Promise<void> {
    await this.#taken.demandFree(path);
  }

  /** The new directories are on the disk. @throws FtpxError LOCAL_IO */
  async sync(): Promise<void> {
    for (const directory of this.#changed) {
      await syncDirectory(directory).catch((error: unknown) => {
        throw localFailure(error, directory);
      });
    }
    this.#changed.clear();
  }

  /** A directory has a time of its own when all in it is done; that it cannot have one is no harm. */
  async setModified(relative: string, modifiedMs: number): Promise<void> {
    const path = this.#places.get(relative);
    if (path === undefined) return;
    const time = new Date(modifiedMs);
    if (!Number.isNaN(time.getTime())) await utimes(systemPath(path), time, time).catch(absent);
  }

  /** What stands where a directory is to be, if it is one, or a link to one inside. */
  async #realDirectory(path: string): Promise<string> {
    const stats = await lstat(systemPath(path));
    if (stats.isDirectory()) return path;
    if (!stats.isSymbolicLink()) throw new FtpxError("NOT_A_DIRECTORY", { path });
    const real = await this.#demandInside(path);
    if ((await lstat(systemPath(real))).isDirectory()) return real;
    throw new FtpxError("NOT_A_DIRECTORY", { path });
  }

  async #demandInside(path: string): Promise<string> {
    const real = await realPath(path).catch(absent);
    if (real === undefined) throw new FtpxError("LOCAL_EXISTS", { path });
    const root = this.#root.endsWith(sep) ? this.#root : this.#root + sep;
    if (real !== this.#root && !real.startsWith(root)) throw new FtpxError("LEADS_OUT", { path });
    return real;
  }
}

/**
 * Waves in which files can be written so that those that might fall together on some file
 * system are never written at the same time: each meets the other when it is there.
 */
export function wavesOf<Item>(items: readonly Item[], pathOf: (item: Item) => string): Item[][] {
  const waves: Item[][] = [];
  const counts = new Map<string, number>();
  for (const item of items) {
    const folded = pathOf(item).normalize("NFKD").toUpperCase().toLowerCase().normalize("NFKD");
    const wave = counts.get(folded) ?? 0;
    counts.set(folded, wave + 1);
    (waves[wave] ??= []).push(item);
  }
  return waves;
}

/** @returns whether it was not there */
async function makeOne(path: string): Promise<boolean> {
  try {
    await mkdir(systemPath(path));
    return true;
  } catch (error) {
    if (isKind(errorOfSystem(error), "EXISTS")) return false;
    throw error;
  }
}

/** @returns the directories in which one was made */
async function makeMissing(path: string): Promise<string[]> {
  try {
    return (await makeOne(path)) ? [dirname(path)] : [];
  } catch (error) {
    const parent = dirname(path);
    if (!isKind(errorOfSystem(error), "NO_SUCH_PATH") || parent === path) throw error;
    const above = await makeMissing(parent);
    return (await makeOne(path)) ? [...above, parent] : above;
  }
}

function notThere(error: unknown, path: string): unknown {
  return isKind(error, "NOT_A_DIRECTORY") ? error : localFailure(error, path);
}

function absent(): undefined {}

/** The last name of a path of this machine; nothing for `.`, `..` and a root: what they name goes in itself. */
export function localLeaf(path: string): string {
  const leaf = basename(path);
  return leaf === "." || leaf === ".." ? "" : leaf;
}
