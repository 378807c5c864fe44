/**
 * What uploads do to a World, in the steps between which something can come: the place is
 * looked at, the path claimed and room reserved, an unfinished upload picked up as far as it
 * is of this source, then the file is put in its place, counted, and the path given back.
 */
import type { Algorithm } from "../../src/base/digest.ts";
import { CHUNK_BYTES, EAGER_BYTES_MAX } from "../../src/base/limits.ts";
import { digestText, equalChunks } from "./model-sources.ts";
import type { Source } from "./model-sources.ts";
import { end, inTurn, refusedRoom, views } from "./model-stages.ts";
import type { Move, Result, Stage } from "./model-stages.ts";
import {
  add,
  amountOf,
  chunksIn,
  exactly,
  HOME,
  look,
  refusedParent,
  subtract,
  withNode,
  withoutClaim,
  withPart,
} from "./model-world.ts";
import type { Node, Part, Range, World } from "./model-world.ts";

export interface Wish {
  readonly path: string;
  readonly source: Source;
  /** The size that is declared; a client that tells the truth declares the source's. */
  readonly declaredBytes: number;
  readonly algorithm: Algorithm;
  readonly isFresh: boolean;
  readonly mayReplace: boolean;
}

/** Goes on behind the reply to `openUpload`; the part has one number of chunks. */
export type Opened = (world: World, part: Part, isSame: boolean) => readonly Move[];

/** The whole of `uploadOnce`: what is stored already is not sent. */
export function upload(wish: Wish): Stage {
  const { source, isFresh } = wish;
  // A file of one chunk costs less to send than to compare.
  return isFresh || source.bytes <= CHUNK_BYTES ? send(wish) : findStored(wish);
}

/**
 * The same put once more, by a client that asked to commit and did not hear the answer: it
 * remembers the digests, so a small file is compared too.
 */
export function uploadAgain(wish: Wish): Stage {
  return wish.isFresh ? send(wish) : findStored(wish);
}

/** By size, time and content; what was cut off there of another version is given up then. */
function findStored(wish: Wish): Stage {
  const { path, source, algorithm } = wish;
  const resumed = exactly(source.bytes);
  const done: Result = { kind: "done", facts: digestText(source, algorithm), resumed };
  const sendAll = send(wish);
  const give: Stage = (world) => {
    const isOpen = world.claims.has(path);
    return [{ world: isOpen ? world : withPart(world, path, undefined), next: done }];
  };
  return (world) =>
    views(world, path).flatMap((seen) => {
      const node = look(seen, path);
      if (typeof node === "string" || !isStored(node, source)) return sendAll(world);
      const confirm = inTurn((later) =>
        // Moved or replaced meanwhile, by its equal even: it has another version.
        later.tree.get(path) === node ? [{ world: later, next: give }] : sendAll(later),
      );
      return [{ world, next: confirm }];
    });
}

function isStored(node: Node, { bytes, modifiedMs, sha256 }: Source): boolean {
  if (node.kind !== "file" || node.bytes !== bytes) return false;
  return node.modifiedMs === modifiedMs && node.sha256 === sha256;
}

/** A file that goes out in one flight never goes on where it was. */
function send(wish: Wish): Stage {
  const { path, source } = wish;
  const isFresh = wish.isFresh || source.bytes <= EAGER_BYTES_MAX;
  return openUpload({ ...wish, isFresh }, (world, part, isSame) => {
    if (part.isMixed || isSame || part.bytes.max === 0) {
      return sendFrom(world, wish, part.chunks.min, part.bytes);
    }
    const kept = keptChunks(part, source);
    const bytes = exactly(kept * CHUNK_BYTES);
    // First the part, then the journal: what it says too much is found out by the next one.
    const rewind: Stage = (later) => [
      { world: withPart(later, path, { ...part, bytes }), next: note },
    ];
    const note: Stage = (later) => {
      const rewound = { ...part, mark: source.mark, chunks: exactly(kept), bytes };
      return sendFrom(withPart(later, path, rewound), wish, kept, bytes);
    };
    return [{ world, next: rewind }];
  });
}

/** The part ends with its chunks now. */
function unmixed(world: World, path: string): World {
  const part = partAt(world, path);
  const bytes = exactly(part.chunks.min * CHUNK_BYTES);
  return withPart(world, path, { ...part, bytes, isMixed: false });
}

function partAt(world: World, path: string): Part {
  const part = world.parts.get(path);
  if (part === undefined) throw new Error(`the model lost the upload to ${path}`);
  return part;
}

/** Chunks that a client finds equal to its own, of those that an open upload holds. */
export function keptChunks(part: Part, source: Source): number {
  const comparable = Math.min(part.chunks.min, chunksIn(source.bytes));
  return equalChunks(part.content, source, comparable);
}

export function openUpload(wish: Wish, opened: Opened): Stage {
  const { path, mayReplace } = wish;
  return (world) =>
    views(world, path).flatMap((seen) => {
      if (path === HOME) return end(world, "IS_A_DIRECTORY");
      const above = refusedParent(seen, path);
      if (above !== undefined) return end(world, above);
      const node = look(seen, path);
      if (typeof node !== "string" && node.kind === "directory")
        return end(world, "IS_A_DIRECTORY");
      if (typeof node !== "string" && !mayReplace) return end(world, "EXISTS");
      return [{ world, next: claim(wish, opened) }];
    });
}

function claim(wish: Wish, opened: Opened): Stage {
  const { path } = wish;
  const note: Stage = (world) => {
    const found = reserve(world, wish);
    if ("kind" in found) return [{ world, next: release(path, found) }];
    return found.map(({ noted, ready, isSame }) => {
      // What the journal says and what the disk has are two steps.
      const prepare: Stage = (later) => opened(withPart(later, path, ready), ready, isSame);
      return { world: withPart(world, path, noted), next: prepare };
    });
  };
  return (world) => {
    if (world.claims.has(path)) return end(world, "UPLOAD_BUSY");
    return [{ world: { ...world, claims: new Set([...world.claims, path]) }, next: note }];
  };
}

/** An upload that was opened: as the journal has it at once, and when its part agrees. */
interface PickedUp {
  readonly noted: Part;
  readonly ready: Part;
  readonly isSame: boolean;
}

/** One transaction: what is refused has changed nothing, not even an upload to be forgotten. */
function reserve(world: World, wish: Wish): readonly PickedUp[] | Result {
  const found = world.parts.get(wish.path);
  const { declaredBytes, algorithm, source } = wish;
  if (found === undefined || wish.isFresh || found.algorithm !== algorithm) {
    const without = withPart(world, wish.path, undefined);
    const refusal = refusedRoom(without, { bytes: declaredBytes, files: 1 });
    const states = { isMade: false, isPublished: false, isMixed: false };
    const held = { content: source, chunks: exactly(0), bytes: exactly(0) };
    const noted = { declaredBytes, algorithm, mark: source.mark, ...held, ...states };
    return refusal ?? [{ noted, ready: { ...noted, isMade: true }, isSame: true }];
  }
  const extraBytes = declaredBytes - found.declaredBytes;
  return refusedRoom(world, { bytes: extraBytes, files: 0 }) ?? pickUp(found, wish);
}

/** One for each number of chunks that the journal may hold. */
function pickUp(found: Part, { source, declaredBytes }: Wish): PickedUp[] {
  const isSame = found.mark === source.mark;
  const picked: PickedUp[] = [];
  for (let held = found.chunks.min; held <= found.chunks.max; held += 1) {
    // A crash leaves at least what the journal holds, a damage that was cut off less.
    const leastBytes = Math.max(found.bytes.min, Math.min(held * CHUNK_BYTES, found.bytes.max));
    const there = { min: leastBytes, max: found.bytes.max };
    // A journal that holds nothing follows the source.
    const isTaken = isSame || held === 0;
    const noted: Part = {
      ...found,
      declaredBytes,
      mark: isTaken ? source.mark : found.mark,
      content: isTaken ? source : found.content,
      chunks: exactly(held),
      bytes: there,
      isMixed: isSame ? found.isMixed : held === 0 && there.max > 0,
    };
    picked.push({ noted, ready: prepared(noted, isSame), isSame });
  }
  return picked;
}

/** The part as it is cut to what the journal and the size say; one that lets go trusts none. */
function prepared(noted: Part, isSame: boolean): Part {
  const { declaredBytes, bytes } = noted;
  const held = noted.chunks.min;
  const kept = Math.min(held, chunksIn(Math.min(bytes.min, declaredBytes)));
  const keptBytes = kept * CHUNK_BYTES;
  const capBytes = Math.min(keptBytes + CHUNK_BYTES, declaredBytes);
  const tail = { min: Math.min(bytes.min, capBytes), max: Math.min(bytes.max, capBytes) };
  return {
    ...noted,
    mark: kept < held ? "" : noted.mark,
    chunks: exactly(kept),
    bytes: isSame ? tail : exactly(keptBytes),
    isMixed: isSame && noted.isMixed && tail.max > keptBytes,
  };
}

/** Content is on its way from here on, so a crash leaves any of it. */
function sendFrom(world: World, wish: Wish, heldChunks: number, resumed: Range): readonly Move[] {
  const { path, source, algorithm } = wish;
  const part = partAt(world, path);
  const chunks = { min: heldChunks, max: chunksIn(source.bytes) };
  const bytes = { min: resumed.min, max: source.bytes };
  const sending = withPart(world, path, { ...part, content: source, chunks, bytes });
  const done: Result = { kind: "done", facts: digestText(source, algorithm), resumed };
  const sent = { world: sending, next: commit(wish, done) };
  if (!part.isMixed) return [sent];
  // What the other source left is found out by the digests, and sent again the next time.
  const damaged: Result = { kind: "CHUNK_DAMAGED", facts: "", resumed: exactly(0) };
  const cutOff = withPart(world, path, { ...part, chunks: exactly(heldChunks) });
  return [sent, { world: unmixed(cutOff, path), next: release(path, damaged) }];
}

/**
 * All content has come and is proved: into its place, or refused with the part kept.
 *
 * @param isDropped a refusal leaves nothing
 */
export function commit({ path, source, mayReplace }: Wish, done: Result, isDropped = false): Stage {
  return inTurn((world) => {
    const part = partAt(world, path);
    const whole = { chunks: exactly(chunksIn(source.bytes)), bytes: exactly(source.bytes) };
    const complete = withPart(world, path, { ...part, content: source, ...whole, isMixed: false });
    const node = look(world.tree, path);
    const refuse = (kind: Result["kind"]): readonly Move[] => {
      const refusal: Result = { kind, facts: "", resumed: exactly(0) };
      const left = isDropped ? withPart(complete, path, undefined) : complete;
      return [{ world: left, next: release(path, refusal) }];
    };
    if (node === "NO_SUCH_PATH") {
      const above = refusedParent(world.tree, path);
      if (above !== undefined) return refuse(above);
    } else if (typeof node === "string") return refuse(node);
    else if (node.kind === "directory") return refuse("IS_A_DIRECTORY");
    else if (!mayReplace) return refuse("EXISTS");
    const { bytes, sha256, modifiedMs } = source;
    const tree = withNode(world.tree, path, { kind: "file", bytes, sha256, modifiedMs });
    const published = withPart({ ...complete, tree }, path, { ...part, isPublished: true });
    const gone = typeof node === "string" ? { bytes: 0, files: 0 } : amountOf(node);
    return [{ world: published, next: settle(path, { bytes, files: 1 }, gone, done) }];
  });
}

type Counted = World["used"];

function settle(path: string, come: Counted, gone: Counted, done: Result): Stage {
  return (world) => {
    const used = subtract(add(world.used, come), gone);
    return [{ world: withPart({ ...world, used }, path, undefined), next: release(path, done) }];
  };
}

export function release(path: string, result: Result): Stage {
  return (world) => [{ world: withoutClaim(world, path), next: result }];
}

/** Gives an unfinished upload up. */
export function drop(path: string): Stage {
  return (world) => {
    if (world.claims.has(path)) return end(world, "UPLOAD_BUSY");
    if (!world.parts.has(path)) return end(world, "NO_SUCH_PATH");
    return end(withPart(world, path, undefined), "done");
  };
}

/**
 * A copy on the server: an upload whose content comes from the home. What fails leaves
 * nothing, not even an upload that was unfinished there.
 */
export function copy(
  from: string,
  to: string,
  mayReplace: boolean,
  contentOf: (sha256: string) => Source,
): Stage {
  if (from === to) return (world) => end(world, "BAD_PATH");
  return (world) =>
    views(world, from).flatMap((seen) => {
      const node = look(seen, from);
      if (typeof node === "string") return end(world, node);
      if (node.kind === "directory") return end(world, "IS_A_DIRECTORY");
      const { bytes, modifiedMs, sha256 } = node;
      const source = { ...contentOf(sha256), modifiedMs, mark: `copy of ${from}` };
      const wish = { path: to, source, declaredBytes: bytes, isFresh: true, mayReplace } as const;
      const done: Result = { kind: "done", facts: `${bytes}`, resumed: exactly(0) };
      const copying = openUpload({ ...wish, algorithm: "sha256" }, (later, part) => {
        const chunks = { min: 0, max: chunksIn(bytes) };
        // Nobody goes on with a copy: a start forgets it as one that has no part.
        const open = { ...part, chunks, bytes: { min: 0, max: bytes }, isMade: false };
        const sending = withPart(later, to, open);
        return [{ world: sending, next: commit({ ...wish, algorithm: "sha256" }, done, true) }];
      });
      return copying(world);
    });
}
