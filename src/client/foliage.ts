/**
 * What a directory holds with all below it, on either side, as it was found: a list of
 * entries by their paths from the root, and what could not be looked at. Who finds it is
 * localtree.ts and remotetree.ts; what follows from two of them is plan.ts.
 */
import { FtpxError } from "../base/errors.ts";
import type { Outline } from "../base/openfile.ts";
import { TREE_ENTRIES_MAX } from "../base/limits.ts";

export interface TreeEntry extends Outline {
  /** Names from the root on, with `/` between them, on every system. */
  readonly relative: string;
}

/** Whether something below the root is looked at; what is below a directory that is not, neither. */
export type TreeFilter = (relative: string, isDirectory: boolean) => boolean;

export interface TreeOptions {
  readonly signal: AbortSignal;
  readonly isWanted?: TreeFilter;
  /** Also what waits to take the place of something (stagedBeside of partnames.ts). */
  readonly hasSuccessors?: boolean;
  /** Told of each entry, for whoever waits. */
  readonly onFound?: (entry: TreeEntry) => void;
}

/** The root itself is not among the entries. */
export class Tree {
  readonly entries: TreeEntry[] = [];
  /** What could not be looked at, or has a name that cannot be used. */
  readonly failures: { readonly path: string; readonly error: unknown }[] = [];
  /** Directories, by their paths, that hold something which a filter left out. */
  readonly guarded = new Set<string>();
  readonly #options: TreeOptions;

  constructor(options: TreeOptions) {
    this.#options = options;
  }

  /** @returns whether it was wanted @throws FtpxError TREE_TOO_LARGE, INTERRUPTED */
  add(entry: TreeEntry): boolean {
    const { isWanted, onFound, signal } = this.#options;
    if (signal.aborted) throw new FtpxError("INTERRUPTED");
    const { relative, kind } = entry;
    if (isWanted !== undefined && !isWanted(relative, kind === "directory")) {
      this.guarded.add(parentOf(relative));
      return false;
    }
    if (this.entries.length >= TREE_ENTRIES_MAX) {
      throw new FtpxError("TREE_TOO_LARGE", { limit: TREE_ENTRIES_MAX });
    }
    this.entries.push(entry);
    onFound?.(entry);
    return true;
  }

  fail(path: string, error: unknown): void {
    this.failures.push({ path, error });
  }
}

/** By path, so that a directory comes before what is in it. */
export function byPath(a: TreeEntry, b: TreeEntry): number {
  if (a.relative === b.relative) return 0;
  return a.relative < b.relative ? -1 : 1;
}

/** By how deep they are, those above first. */
export function levelsOf<Item>(items: readonly Item[], pathOf: (item: Item) => string): Item[][] {
  const levels: Item[][] = [];
  for (const item of items) {
    const path = pathOf(item);
    (levels[path === "" ? 0 : path.split("/").length] ??= []).push(item);
  }
  return levels.filter((level) => level !== undefined);
}

/** The directory of a tree in which something is; empty for the root. */
export function parentOf(relative: string): string {
  return relative.slice(0, Math.max(0, relative.lastIndexOf("/")));
}

/** The path of something in a directory of a tree. */
export function relativeTo(directory: string, name: string): string {
  return directory === "" ? name : `${directory}/${name}`;
}
