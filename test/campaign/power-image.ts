/**
 * What a loss of power leaves: from a history up to some operation, a tree of names and
 * content that a disk may show when it comes back.
 *
 * A sync of a file makes its content durable and says nothing of its name; a sync of a
 * directory makes the names in it durable and says nothing of the directory's own. That is
 * POSIX, and less than any file system of Linux does. What was not synced may be there or
 * not: content by pieces, names in one of two ways.
 *
 *   ordered  the changes of one directory arrive in their order, as on ext4, XFS and btrfs
 *   weak     the changes of any name arrive or not, whatever else did
 *
 * In both a rename is atomic, also between directories. Modes, times and sockets are not
 * part of it.
 */
import { closeSync, ftruncateSync, mkdirSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Chance } from "../support/chance.ts";
import { applyNames } from "./power-history.ts";
import type { History, Operation, Thing } from "./power-history.ts";

/** Which names survive besides the synced ones, and which content. */
const SURVIVALS = {
  strict: { names: "none", content: "none" },
  /** The empty file after a rename that overtook its content. */
  names: { names: "all", content: "none" },
  content: { names: "none", content: "all" },
  everything: { names: "all", content: "all" },
  torn: { names: "all", content: "some" },
  ordered: { names: "ordered", content: "some" },
  weak: { names: "weak", content: "some" },
} as const;

export type Survival = keyof typeof SURVIVALS;

/** Which of the content that was not synced is there, where some is. */
const REMAINS = ["none", "all", "front", "scattered", "scattered", "size", "size"] as const;

interface File {
  readonly path: string;
  readonly thing: Thing;
  readonly edits: readonly Edit[];
}

type Edit =
  | { readonly offset: number; readonly bytes: Uint8Array }
  /** The file ends here; what was behind is gone, what is missing is zeros. */
  | { readonly size: number };

export interface Image {
  /** In an order in which they can be made. */
  readonly folders: readonly { readonly path: string; readonly thing: Thing }[];
  readonly files: readonly File[];
  /** The same for the same image. */
  readonly key: string;
}

/** @param cut so many operations had ended when the power went */
export function imageAt(history: History, cut: number, survival: Survival, chance: Chance): Image {
  const past = new Past(history.operations.slice(0, cut), chance);
  const { names, content } = SURVIVALS[survival];
  const kept = past.keptNames(names);
  const tree = new Map<Thing, Map<string, Thing>>();
  for (const operation of kept) applyNames(tree, operation.changes);
  const folders: { path: string; thing: Thing }[] = [];
  const files: File[] = [];
  const described: string[] = [];
  const visit = (directory: Thing, above: string): void => {
    for (const [name, thing] of tree.get(directory) ?? []) {
      const path = join(above, name);
      if (thing.isDirectory) folders.push({ path, thing });
      else files.push({ path, thing, edits: past.keptContent(thing, content, described) });
      described.push(path);
      if (thing.isDirectory) visit(thing, path);
    }
  };
  visit(history.root, "");
  return { folders, files, key: Bun.hash(described.join("\n")).toString(36) };
}

/** Makes an image in a folder that is there. */
export function materialize({ folders, files }: Image, folder: string): void {
  for (const { path, thing } of folders) mkdirSync(join(folder, path), { mode: thing.mode });
  for (const { path, thing, edits } of files) {
    const fd = openSync(join(folder, path), "wx", thing.mode);
    for (const edit of edits) {
      if ("size" in edit) ftruncateSync(fd, edit.size);
      else writeSync(fd, edit.bytes, 0, edit.bytes.byteLength, edit.offset);
    }
    closeSync(fd);
  }
}

type Names = Extract<Operation, { kind: "names" }>;
type Content = Extract<Operation, { kind: "write" | "resize" }>;

/** The operations up to the cut, and how far each thing was synced. */
class Past {
  readonly #operations: readonly Operation[];
  readonly #chance: Chance;
  readonly #synced = new Map<Thing, number>();

  constructor(operations: readonly Operation[], chance: Chance) {
    this.#operations = operations;
    this.#chance = chance;
    for (const operation of operations) {
      if (operation.kind !== "sync") continue;
      const { thing, through } = operation;
      this.#synced.set(thing, Math.max(through, this.#syncedThrough(thing)));
    }
  }

  /** The changes of names that survive, in their order. */
  keptNames(which: "none" | "all" | "ordered" | "weak"): Names[] {
    const all = this.#operations.filter((operation) => operation.kind === "names");
    if (which === "all") return all;
    const isOrdered = which === "ordered";
    const reach = isOrdered ? this.#reach() : new Map<Thing, number>();
    const wanted = new Set<Names>();
    for (const [index, operation] of this.#operations.entries()) {
      if (operation.kind !== "names") continue;
      const directories = operation.changes.map(({ directory }) => directory);
      const isDurable = directories.some((directory) => index < this.#syncedThrough(directory));
      const isReached = directories.some((directory) => index < (reach.get(directory) ?? 0));
      const isLucky = which === "weak" && this.#chance.percent(50);
      if (isDurable || isReached || isLucky) wanted.add(operation);
    }
    return withCauses(all, wanted, isOrdered);
  }

  /** The edits of a file that survive. @param described gets what tells them from others */
  keptContent(thing: Thing, which: "none" | "all" | "some", described: string[]): Edit[] {
    const edits: Edit[] = [];
    const loose: Content[] = [];
    for (const [index, operation] of this.#operations.entries()) {
      if (operation.thing !== thing) continue;
      if (operation.kind !== "write" && operation.kind !== "resize") continue;
      if (index >= this.#syncedThrough(thing)) loose.push(operation);
      else edits.push(editOf(operation));
    }
    const kept = which === "all" ? loose.map(editOf) : [];
    if (which === "some" && loose.length > 0) kept.push(...this.#some(loose, sizeOf(edits)));
    const marks = kept.map((edit) =>
      "size" in edit ? `=${edit.size}` : `${edit.offset}+${Bun.hash(edit.bytes)}`,
    );
    described.push(`${thing.id}: ${edits.length} ${marks.join(" ")}`);
    return [...edits, ...kept];
  }

  /** How far the changes of each directory got, when they go in their order. */
  #reach(): Map<Thing, number> {
    const end = this.#operations.length;
    const reach = new Map<Thing, number>();
    for (const operation of this.#operations) {
      if (operation.kind !== "names") continue;
      for (const { directory } of operation.changes) {
        if (reach.has(directory)) continue;
        const kind = this.#chance.below(3);
        const from = this.#syncedThrough(directory);
        reach.set(directory, kind === 0 ? 0 : kind === 1 ? end : this.#chance.between(from, end));
      }
    }
    return reach;
  }

  /** @param bytes the file has without them */
  #some(loose: readonly Content[], bytes: number): Edit[] {
    const kind = this.#chance.pick(REMAINS);
    if (kind === "none") return [];
    if (kind === "size") {
      const ends = loose.map((one) => (one.kind === "resize" ? one.bytes : endOf(one)));
      // The blocks came after the size.
      return [{ size: Math.max(bytes, ...ends) }];
    }
    const count = kind === "front" ? this.#chance.below(loose.length + 1) : loose.length;
    return loose.slice(0, count).flatMap((one, index) => {
      const isWhole = kind === "all" || (kind === "front" && index < count - 1);
      if (isWhole || one.kind === "resize") return [editOf(one)];
      return kind === "scattered" && this.#chance.percent(50) ? [] : this.#torn(one);
    });
  }

  /** Any of the blocks of a write. */
  #torn({ offset, bytes }: Extract<Content, { kind: "write" }>): Edit[] {
    const blockBytes = this.#chance.pick([512, 4096]);
    const edits: Edit[] = [];
    for (let from = offset; from < offset + bytes.byteLength;) {
      const to = from - (from % blockBytes) + blockBytes;
      const piece = bytes.subarray(from - offset, to - offset);
      if (this.#chance.percent(50)) edits.push({ offset: from, bytes: piece });
      from = to;
    }
    return edits;
  }

  #syncedThrough(thing: Thing): number {
    return this.#synced.get(thing) ?? 0;
  }
}

/**
 * What must have arrived before: earlier changes of the same names and of the same thing,
 * and of the same directory where its changes keep their order.
 */
function withCauses(
  all: readonly Names[],
  wanted: ReadonlySet<Names>,
  isOrdered: boolean,
): Names[] {
  const needed = new Set<string>();
  const kept: Names[] = [];
  for (const operation of all.toReversed()) {
    const keys = [
      `thing ${operation.thing.id}`,
      ...operation.changes.map(({ directory, name }) => `${directory.id}/${isOrdered ? "" : name}`),
    ];
    if (!wanted.has(operation) && !keys.some((key) => needed.has(key))) continue;
    for (const key of keys) needed.add(key);
    kept.unshift(operation);
  }
  return kept;
}

function editOf(operation: Content): Edit {
  if (operation.kind === "resize") return { size: operation.bytes };
  return { offset: operation.offset, bytes: operation.bytes };
}

function sizeOf(edits: readonly Edit[]): number {
  return edits.reduce(
    (bytes, edit) =>
      "size" in edit ? edit.size : Math.max(bytes, edit.offset + edit.bytes.byteLength),
    0,
  );
}

function endOf({ offset, bytes }: Extract<Content, { kind: "write" }>): number {
  return offset + bytes.byteLength;
}
