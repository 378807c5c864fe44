/**
 * One user as the model-based campaign believes the server to have it: files and
 * directories, the ledger, unfinished uploads. A World is never changed, only followed by
 * another one, so any number of them can be held as possible at once.
 *
 * The ledger (`used`) is kept beside the tree and not computed from it, because the two
 * differ for moments; when nothing is under way they have to agree, and `crash` makes
 * them agree as the server's recount does.
 */
import type { Algorithm } from "../../src/base/digest.ts";
import type { ErrorKind } from "../../src/base/errors.ts";
import { CHUNK_BYTES } from "../../src/base/limits.ts";
import type { Source } from "./model-sources.ts";

export interface Amount {
  readonly bytes: number;
  readonly files: number;
}

export interface FileNode {
  readonly kind: "file";
  readonly bytes: number;
  readonly sha256: string;
  readonly modifiedMs: number;
}

export type Node = FileNode | { readonly kind: "directory" };

/** By path; the home itself is not in it. */
export type Tree = ReadonlyMap<string, Node>;

/** Both ends included. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** An unfinished upload. Only what a cut or a crash left is known no better than a range. */
export interface Part {
  readonly declaredBytes: number;
  readonly algorithm: Algorithm;
  /** The source that the journal names; empty when it trusts none. */
  readonly mark: string;
  /** Whose bytes are held. */
  readonly content: Source;
  /** Chunks in the journal. */
  readonly chunks: Range;
  /** Length of the part file, never less than those chunks. */
  readonly bytes: Range;
  /** There is a file that somebody can go on with; after a crash others are forgotten. */
  readonly isMade: boolean;
  /** Renamed into its place, and not counted yet. */
  readonly isPublished: boolean;
  /** Behind its chunks may lie what another source left, until the part was cut there. */
  readonly isMixed: boolean;
}

/** A recursive removal that is under way: anything of this may be gone. */
export interface Removal {
  readonly root: string;
  readonly before: Tree;
}

export interface World {
  readonly tree: Tree;
  readonly used: Amount;
  readonly limit: Amount;
  readonly parts: ReadonlyMap<string, Part>;
  /** Paths that a session is uploading to. */
  readonly claims: ReadonlySet<string>;
  readonly removal: Removal | undefined;
}

export const HOME = "/";

export function emptyWorld(limit: Amount): World {
  return {
    tree: new Map(),
    used: { bytes: 0, files: 0 },
    limit,
    parts: new Map(),
    claims: new Set(),
    removal: undefined,
  };
}

export function parentOf(path: string): string {
  const end = path.lastIndexOf("/");
  return end <= 0 ? HOME : path.slice(0, end);
}

/** Whether `path` is `directory` or lies below it. */
export function isWithin(directory: string, path: string): boolean {
  return directory === HOME || path === directory || path.startsWith(`${directory}/`);
}

/** What stands at a path, or why nothing can be looked at there. */
export function look(tree: Tree, path: string): Node | ErrorKind {
  if (path === HOME) return { kind: "directory" };
  const above = look(tree, parentOf(path));
  if (typeof above === "string") return above;
  if (above.kind === "file") return "NOT_A_DIRECTORY";
  return tree.get(path) ?? "NO_SUCH_PATH";
}

/** Why nothing can be made or removed at a path; undefined when its directory is there. */
export function refusedParent(tree: Tree, path: string): ErrorKind | undefined {
  const parent = look(tree, parentOf(path));
  if (typeof parent === "string") return parent;
  return parent.kind === "file" ? "NOT_A_DIRECTORY" : undefined;
}

export function sumOf(tree: Tree): Amount {
  let bytes = 0;
  for (const node of tree.values()) bytes += node.kind === "file" ? node.bytes : 0;
  return { bytes, files: tree.size };
}

export function add(a: Amount, b: Amount): Amount {
  return { bytes: a.bytes + b.bytes, files: a.files + b.files };
}

export function subtract(a: Amount, b: Amount): Amount {
  return { bytes: a.bytes - b.bytes, files: a.files - b.files };
}

export function amountOf(node: Node): Amount {
  return { bytes: node.kind === "file" ? node.bytes : 0, files: 1 };
}

export function reservedOf({ parts }: World): Amount {
  let bytes = 0;
  for (const { declaredBytes } of parts.values()) bytes += declaredBytes;
  return { bytes, files: parts.size };
}

/** The entry is there, or, without a node, is not. */
export function withNode(tree: Tree, path: string, node: Node | undefined): Tree {
  const next = new Map(tree);
  if (node === undefined) next.delete(path);
  else next.set(path, node);
  return next;
}

export function withPart(world: World, path: string, part: Part | undefined): World {
  const parts = new Map(world.parts);
  if (part === undefined) parts.delete(path);
  else parts.set(path, part);
  return { ...world, parts };
}

export function withoutClaim(world: World, path: string): World {
  const claims = new Set(world.claims);
  claims.delete(path);
  return { ...world, claims };
}

/** All that is at or below a path, and all the rest. */
export function split(tree: Tree, root: string): { inside: Tree; outside: Tree } {
  const entries = [...tree];
  return {
    inside: new Map(entries.filter(([path]) => isWithin(root, path))),
    outside: new Map(entries.filter(([path]) => !isWithin(root, path))),
  };
}

/**
 * The server was killed here and has started again: what was renamed is counted, sessions
 * and their claims are gone, the rest of an upload stays as far as it was written.
 */
export function crash(world: World): World {
  const open = [...world.parts].filter(([, part]) => part.isMade && !part.isPublished);
  const parts = new Map(open);
  return { ...world, parts, claims: new Set(), used: sumOf(world.tree) };
}

/**
 * The world in which exactly this was found on the disk, if it is a possible one. Only
 * a removal that was under way leaves anything to be found out.
 */
export function agree(world: World, found: Tree): World | undefined {
  const { removal, tree } = world;
  if (removal === undefined) return isSameTree(tree, found) ? world : undefined;
  const { inside, outside } = split(found, removal.root);
  if (!isSameTree(split(tree, removal.root).outside, outside)) return undefined;
  for (const [path, node] of inside) {
    if (!isSameNode(removal.before.get(path), node)) return undefined;
  }
  return { ...world, tree: found, used: sumOf(found), removal: undefined };
}

export function isSameTree(a: Tree, b: Tree): boolean {
  if (a.size !== b.size) return false;
  return [...a].every(([path, node]) => isSameNode(node, b.get(path)));
}

function isSameNode(a: Node | undefined, b: Node | undefined): boolean {
  return a !== undefined && b !== undefined && textOfNode(a) === textOfNode(b);
}

export function textOfNode(node: Node): string {
  if (node.kind === "directory") return "directory";
  return `file ${node.bytes} ${node.modifiedMs} ${node.sha256.slice(0, 12)}`;
}

/** What a listing of the directory has to say, or the refusal. */
export function listingOf(tree: Tree, directory: string): string {
  const node = look(tree, directory);
  if (typeof node === "string") return node;
  if (node.kind === "file") return "NOT_A_DIRECTORY";
  const lines = [...tree]
    .filter(([path]) => parentOf(path) === directory)
    .map(([path, entry]) => lineOf(path.slice(path.lastIndexOf("/") + 1), entry));
  return lines.toSorted().join("; ");
}

/** One entry, as the wire can tell of it. */
export function lineOf(
  name: string,
  entry: { kind: string; bytes?: number; modifiedMs?: number },
): string {
  if (entry.kind !== "file") return `${name}/ ${entry.kind}`;
  return `${name} ${entry.bytes ?? 0} ${entry.modifiedMs ?? 0}`;
}

/** The same text for worlds that nothing can tell apart. */
export function keyOf(world: World): string {
  const tree = [...world.tree].map(([path, node]) => `${path} ${textOfNode(node)}`).toSorted();
  const parts = [...world.parts].map(([path, part]) => `${path} ${textOfPart(part)}`).toSorted();
  const { used, limit, claims, removal } = world;
  return JSON.stringify([tree, parts, used, limit, [...claims], removal?.root]);
}

export function textOfPart(part: Part): string {
  const { declaredBytes, algorithm, mark, content, chunks, bytes, isMixed } = part;
  const mixed = isMixed ? ", mixed" : "";
  const held = `${chunks.min}..${chunks.max} chunks, ${bytes.min}..${bytes.max} bytes${mixed}`;
  return `${declaredBytes} ${algorithm} ${mark.slice(0, 8)} of "${content.name}": ${held}`;
}

/** Whole chunks of so many bytes. */
export function chunksIn(bytes: number): number {
  return Math.floor(bytes / CHUNK_BYTES);
}

export function exactly(value: number): Range {
  return { min: value, max: value };
}
