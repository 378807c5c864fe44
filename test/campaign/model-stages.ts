/**
 * What each operation does to a World, in the steps between which another session or a
 * crash can come: a Stage answers every way in which its step can go, and what follows.
 *
 * The stages are the specification that the server is compared with: who is refused first
 * when several refusals apply, what is charged when, what stays when something fails.
 * What holds the turn of the whole home keeps the others out (`removal`); what only looks
 * does not wait for it, so it may see any moment of a removal.
 */
import type { ErrorKind } from "../../src/base/errors.ts";
import type { Range } from "./model-world.ts";
import {
  add,
  amountOf,
  exactly,
  HOME,
  isWithin,
  look,
  parentOf,
  refusedParent,
  reservedOf,
  split,
  subtract,
  withNode,
} from "./model-world.ts";
import type { Amount, Node, Tree, World } from "./model-world.ts";

/** How an operation ends, as its client hears it. */
export interface Result {
  readonly kind: ErrorKind | "done";
  /** What it tells beside that, in one spelling. */
  readonly facts: string;
  /** Where an upload went on. */
  readonly resumed: Range;
}

export interface Move {
  readonly world: World;
  readonly next: Stage | Result;
}

/** None: it is not its turn yet. */
export type Stage = (world: World) => readonly Move[];

const NOTHING: Amount = { bytes: 0, files: 0 };
const ONE_ENTRY: Amount = { bytes: 0, files: 1 };

export function end(
  world: World,
  kind: Result["kind"],
  facts = "",
  resumed: Range = exactly(0),
): readonly Move[] {
  return [{ world, next: { kind, facts, resumed } }];
}

/** Why so much more does not fit; undefined when it does. What is not asked for always fits. */
export function refusedRoom(world: World, wanted: Amount): Result | undefined {
  const { limit } = world;
  const taken = add(world.used, reservedOf(world));
  const bytesFit = wanted.bytes <= 0 || taken.bytes + wanted.bytes <= limit.bytes;
  const filesFit = wanted.files <= 0 || taken.files + wanted.files <= limit.files;
  if (bytesFit && filesFit) return undefined;
  const freeBytes = Math.max(0, limit.bytes - taken.bytes);
  const free = Math.max(0, limit.files - taken.files);
  const resumed = exactly(0);
  return wanted.bytes > freeBytes
    ? { kind: "QUOTA_EXCEEDED", facts: `${wanted.bytes}/${freeBytes}/${limit.bytes}`, resumed }
    : { kind: "FILES_EXCEEDED", facts: `${wanted.files}/${free}/${limit.files}`, resumed };
}

/** What somebody who does not wait for the turn of the home may see around a path. */
export function views({ tree, removal }: World, path: string): readonly Tree[] {
  if (removal === undefined || !isWithin(removal.root, path)) return [tree];
  const before = new Map([...tree, ...removal.before]);
  return [before, split(before, path).outside, tree];
}

/** Ends in each of the ways in which what is seen at the path can be answered. */
function looking(path: string, answer: (world: World, seen: Tree) => readonly Move[]): Stage {
  return (world) => views(world, path).flatMap((seen) => answer(world, seen));
}

/** Waits for a removal of a tree to end. */
export function inTurn(change: Stage): Stage {
  return (world) => (world.removal === undefined ? change(world) : []);
}

/** What is gone is given back after it is gone. */
function credit(amount: Amount, kind: Result["kind"]): Stage {
  return (world) => end({ ...world, used: subtract(world.used, amount) }, kind);
}

export function makeDir(path: string, withParents: boolean): Stage {
  if (withParents) return makeAll(path === HOME ? [] : pathsDownTo(path));
  if (path === HOME) return (world) => end(world, "EXISTS");
  return makeOne(path, end);
}

/** Charged first: at its limit a user hears of the limit before anything else. */
function makeOne(path: string, ending: (world: World, kind: Result["kind"]) => readonly Move[]) {
  return inTurn((world) => {
    const refusal = refusedRoom(world, ONE_ENTRY);
    if (refusal !== undefined) return [{ world, next: refusal }];
    const charged = { ...world, used: add(world.used, ONE_ENTRY) };
    const isThere = world.tree.has(path) ? "EXISTS" : undefined;
    const failure = refusedParent(world.tree, path) ?? isThere;
    if (failure === undefined) {
      return ending({ ...charged, tree: withNode(world.tree, path, DIRECTORY) }, "done");
    }
    const giveBack: Stage = (later) =>
      ending({ ...later, used: subtract(later.used, ONE_ENTRY) }, failure);
    return [{ world: charged, next: giveBack }];
  });
}

const DIRECTORY: Node = { kind: "directory" };

function makeAll([path, ...below]: readonly string[]): Stage {
  if (path === undefined) return (world) => end(world, "done");
  const goOn = makeAll(below);
  const ending = (world: World, kind: Result["kind"]) =>
    // Somebody else made it meanwhile, which is as good.
    kind === "done" || kind === "EXISTS" ? [{ world, next: goOn }] : end(world, kind);
  const make = makeOne(path, ending);
  return looking(path, (world, seen) => {
    const node = look(seen, path);
    if (node === "NO_SUCH_PATH") return [{ world, next: make }];
    if (typeof node === "string") return end(world, node);
    return node.kind === "directory" ? [{ world, next: goOn }] : end(world, "NOT_A_DIRECTORY");
  });
}

/** The path and those above it, from the top. */
function pathsDownTo(path: string): string[] {
  const parent = parentOf(path);
  return parent === HOME ? [path] : [...pathsDownTo(parent), path];
}

export function removeFile(path: string): Stage {
  if (path === HOME) return (world) => end(world, "BAD_PATH");
  return inTurn((world) => {
    const node = look(world.tree, path);
    if (typeof node === "string") return end(world, node);
    if (node.kind === "directory") return end(world, "IS_A_DIRECTORY");
    const tree = withNode(world.tree, path, undefined);
    return [{ world: { ...world, tree }, next: credit(amountOf(node), "done") }];
  });
}

export function removeDir(path: string): Stage {
  if (path === HOME) return (world) => end(world, "BAD_PATH");
  return inTurn((world) => {
    const node = look(world.tree, path);
    if (typeof node === "string") return end(world, node);
    if (node.kind === "file") return end(world, "NOT_A_DIRECTORY");
    if (split(world.tree, path).inside.size > 1) return end(world, "NOT_EMPTY");
    const tree = withNode(world.tree, path, undefined);
    return [{ world: { ...world, tree }, next: credit(ONE_ENTRY, "done") }];
  });
}

export function removeTree(path: string): Stage {
  if (path === HOME) return (world) => end(world, "BAD_PATH");
  const remove = inTurn((world) => {
    const node = look(world.tree, path);
    if (typeof node === "string") return end(world, node);
    if (node.kind === "file") return end(world, "NOT_A_DIRECTORY");
    const { inside, outside } = split(world.tree, path);
    const removal = { root: path, before: inside };
    return [{ world: { ...world, tree: outside, removal }, next: endOfRemoval }];
  });
  return looking(path, (world, seen) => {
    const node = look(seen, path);
    if (typeof node === "string") return end(world, node);
    return [{ world, next: node.kind === "directory" ? remove : removeFile(path) }];
  });
}

function endOfRemoval(world: World): readonly Move[] {
  let gone = NOTHING;
  for (const node of world.removal?.before.values() ?? []) gone = add(gone, amountOf(node));
  return end({ ...world, removal: undefined, used: subtract(world.used, gone) }, "done");
}

export function move(from: string, to: string): Stage {
  if (from !== to && isWithin(from, to)) return (world) => end(world, "BAD_PATH");
  if (from === HOME) return (world) => end(world, "FORBIDDEN");
  return inTurn((world) => {
    const { tree } = world;
    const above =
      refusedParent(tree, from) ?? (to === HOME ? "FORBIDDEN" : refusedParent(tree, to));
    if (above !== undefined) return end(world, above);
    const [source, replaced] = [tree.get(from), tree.get(to)];
    if (source === undefined) return end(world, "NO_SUCH_PATH");
    if (from === to) return end(world, "done");
    if (replaced === undefined) return end({ ...world, tree: renamed(tree, from, to) }, "done");
    if (source.kind === "directory" || replaced.kind === "directory") return end(world, "EXISTS");
    const next = credit(amountOf(replaced), "done");
    return [{ world: { ...world, tree: renamed(tree, from, to) }, next }];
  });
}

function renamed(tree: Tree, from: string, to: string): Tree {
  const { inside, outside } = split(tree, from);
  const moved = [...inside].map(([path, node]) => [to + path.slice(from.length), node] as const);
  return new Map([...outside, ...moved]);
}

/** The whole file, in one version of it. */
export function download(path: string): Stage {
  return reading(path, ({ sha256 }) => sha256);
}

export function digest(path: string): Stage {
  return reading(path, ({ sha256, bytes }) => `${sha256} ${bytes}`);
}

function reading(path: string, facts: (node: Node & { kind: "file" }) => string): Stage {
  return looking(path, (world, seen) => {
    const node = look(seen, path);
    if (typeof node === "string") return end(world, node);
    return node.kind === "directory"
      ? end(world, "IS_A_DIRECTORY")
      : end(world, "done", facts(node));
  });
}

export function stat(path: string): Stage {
  return looking(path, (world, seen) => {
    const node = look(seen, path);
    if (typeof node === "string") return end(world, node);
    const facts = node.kind === "file" ? `file ${node.bytes} ${node.modifiedMs}` : "directory";
    return end(world, "done", facts);
  });
}
