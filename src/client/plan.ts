/**
 * What has to be done so that one tree becomes like another: two lists of entries in, a list
 * of actions out. Pure; who walks is localtree.ts and remotetree.ts, who acts is
 * cli/verbs/mirror.ts.
 *
 * Nothing is deleted but what is in the target and not in the source, and no directory that
 * holds something which a filter left out.
 */
import { byPath, parentOf } from "./foliage.ts";
import type { TreeEntry } from "./foliage.ts";

export interface PlanOptions {
  readonly isDeleting: boolean;
  /** Whether a file of the same size on both sides is the same. */
  readonly isSame: (source: TreeEntry, target: TreeEntry) => boolean;
}

export interface Plan {
  /** Directories that are missing, those above first. */
  readonly directories: TreeEntry[];
  /** Also those that are there. */
  readonly allDirectories: TreeEntry[];
  readonly files: TreeEntry[];
  /** What stands where something of another kind must be: it goes before that is made. */
  readonly replaced: TreeEntry[];
  /** Where that is; what goes there and below waits for it. */
  readonly replacing: ReadonlySet<string>;
  /** What is too much: files first, then directories, the deepest first. */
  readonly deleted: TreeEntry[];
  /** Something else stands in the way and may not be replaced: its source, and its kind. */
  readonly conflicts: { readonly source: TreeEntry; readonly kind: TreeEntry["kind"] }[];
  /** Links and special files of the source, which no other side has. */
  readonly skipped: TreeEntry[];
  readonly sameCount: number;
}

/** @param guarded directories of the target that hold something which a filter left out */
export function planSync(
  source: readonly TreeEntry[],
  target: readonly TreeEntry[],
  guarded: ReadonlySet<string>,
  { isDeleting, isSame }: PlanOptions,
): Plan {
  const there = new Map(target.map((entry) => [entry.relative, entry]));
  const wanted = new Map(source.map((entry) => [entry.relative, entry]));
  const kept = keptDirectories(guarded);
  const blocked = new Set<string>();
  const replacing = new Set<string>();
  const plan = { ...emptyLists(), replacing, sameCount: 0 };
  for (const entry of source.toSorted(byPath)) {
    const { relative, kind } = entry;
    if (blocked.has(parentOf(relative))) {
      if (kind === "directory") blocked.add(relative);
      continue;
    }
    if (kind === "link" || kind === "other") {
      plan.skipped.push(entry);
      continue;
    }
    const found = there.get(relative);
    if (found !== undefined && found.kind !== kind && !(isDeleting && !kept.has(relative))) {
      plan.conflicts.push({ source: entry, kind: found.kind });
      if (kind === "directory") blocked.add(relative);
      continue;
    }
    if (found !== undefined && found.kind !== kind) replacing.add(relative);
    if (kind === "directory") plan.allDirectories.push(entry);
    if (kind === "directory" && found?.kind !== "directory") plan.directories.push(entry);
    if (kind !== "file") continue;
    if (found?.kind === "file" && found.bytes === entry.bytes && isSame(entry, found)) {
      plan.sameCount += 1;
    } else plan.files.push(entry);
  }
  if (isDeleting) remove(plan, target, wanted, replacing, kept);
  return plan;
}

function emptyLists(): Omit<Plan, "sameCount" | "replacing"> {
  return {
    directories: [],
    allDirectories: [],
    files: [],
    replaced: [],
    deleted: [],
    conflicts: [],
    skipped: [],
  };
}

/**
 * What the source has not goes, and what makes room for another kind before that. A link or
 * special file of the source protects what stands in its place.
 */
function remove(
  plan: Plan,
  target: readonly TreeEntry[],
  wanted: ReadonlyMap<string, TreeEntry>,
  replacing: ReadonlySet<string>,
  kept: ReadonlySet<string>,
): void {
  for (const entry of target.toSorted(byPath).toReversed()) {
    const { relative } = entry;
    const isInReplaced = pathsAbove(relative).some((above) => replacing.has(above));
    if (replacing.has(relative) || isInReplaced) plan.replaced.push(entry);
    else if (wanted.has(relative) || kept.has(relative)) continue;
    else if (pathsAbove(relative).some((above) => isOther(wanted.get(above)))) continue;
    else plan.deleted.push(entry);
  }
  plan.deleted.sort((a, b) => Number(a.kind === "directory") - Number(b.kind === "directory"));
}

/** Whether the source has something there that is no directory: it spares what is below. */
function isOther(entry: TreeEntry | undefined): boolean {
  return entry !== undefined && entry.kind !== "directory";
}

/** Directories that hold something which must stay, at any depth. */
function keptDirectories(guarded: ReadonlySet<string>): Set<string> {
  const kept = new Set<string>();
  for (const directory of guarded) {
    for (const above of [directory, ...pathsAbove(directory)]) kept.add(above);
  }
  return kept;
}

/** Whether something has to go before this can be made. */
export function isLate({ replacing }: Plan, relative: string): boolean {
  return [relative, ...pathsAbove(relative)].some((path) => replacing.has(path));
}

/** All directories that a path lies in, but the root. */
function pathsAbove(relative: string): string[] {
  const above: string[] = [];
  for (let path = parentOf(relative); path !== ""; path = parentOf(path)) above.push(path);
  return above;
}

/**
 * Whether two times are one, as far as both sides keep them: a time in whole seconds may
 * come from a file system that keeps no more, and FAT keeps every second one.
 *
 * @param precisionMs the coarser of what both sides are known to keep
 */
export function isSameTime(aMs: number, bMs: number, precisionMs = 1): boolean {
  if (Math.abs(aMs - bMs) < precisionMs) return true;
  const isWhole = aMs % 1000 === 0 || bMs % 1000 === 0;
  return isWhole && Math.floor(aMs / 1000) === Math.floor(bMs / 1000);
}
