/**
 * The local files that the model-based campaign uploads: sizes around every boundary, and
 * families that differ from one another in one place, at the end, in length, or in nothing.
 *
 * They are made once and never touched again, so what names a source (copy.ts) stays the
 * same for the whole run, and so does every digest that the model predicts.
 */
import { constants } from "node:fs";
import { mkdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { composeDigest, createHasher, formatDigest } from "../../src/base/digest.ts";
import type { Algorithm, FileDigest } from "../../src/base/digest.ts";
import { CHUNK_BYTES, EAGER_BYTES_MAX } from "../../src/base/limits.ts";
import { OpenFile } from "../../src/base/openfile.ts";
import { sourceOf } from "../../src/client/copy.ts";
import { Chance } from "../support/chance.ts";
import { sha256Hex } from "./invariant.ts";

const KIB = 1024;

/** What one upload of a source under one algorithm proves. */
interface Proofs {
  readonly chunks: readonly Uint8Array[];
  readonly whole: FileDigest;
}

export interface Source {
  readonly name: string;
  readonly local: string;
  readonly content: Uint8Array;
  readonly bytes: number;
  readonly modifiedMs: number;
  /** Plain SHA-256 of the whole, in hex. */
  readonly sha256: string;
  /** What the client calls it, and the same as text. */
  readonly fingerprint: Uint8Array;
  readonly mark: string;
  readonly proofs: ReadonlyMap<Algorithm, Proofs>;
}

export interface Sources {
  readonly small: readonly Source[];
  /** Larger than what goes out in one flight, smaller than a chunk. */
  readonly medium: readonly Source[];
  /** Around and above a chunk, in two families. */
  readonly large: readonly Source[];
}

/** Large sources are digested by the first of them only, because a run begins with it. */
const ALGORITHMS_USED = ["sha256", "blake3", "md5", "xxh128"] as const;

/** @returns sources in a folder of their own; the same for every run */
export async function makeSources(folder: string): Promise<Sources> {
  await mkdir(folder, { recursive: true });
  const base = new Chance(1).bytes(17 * KIB * KIB + 1000);
  const make = async (name: string, content: Uint8Array) => await makeOne(folder, name, content);
  const inTurn = async (contents: readonly (readonly [string, Uint8Array])[]) => {
    const made: Source[] = [];
    for (const [name, content] of contents) made.push(await make(name, content));
    return made;
  };
  const sizes = [0, 1, 100, 4096, 5000, 20_000, 70_000, 120_000, 300_000, EAGER_BYTES_MAX];
  const medium = base.slice(1, 600_001);
  const large = base.slice(0, 17 * KIB * KIB);
  return {
    small: await inTurn([
      ...sizes.map((bytes) => [`${bytes}`, base.slice(bytes, 2 * bytes)] as const),
      ...[1, 100, 20_000].map((bytes) => [`${bytes} other`, base.slice(-bytes)] as const),
    ]),
    medium: await inTurn([
      ["eager + 1", base.slice(3, EAGER_BYTES_MAX + 4)],
      ["600k", medium],
      ["600k front", changed(medium, 10)],
      ["600k end", changed(medium, medium.byteLength - 1)],
      ["600k again", medium],
      ["600k grown", Buffer.concat([medium, base.subarray(9, 70_000)])],
      ["600k cut", medium.slice(0, 560_000)],
      ["2 MiB", base.slice(5, 2 * KIB * KIB + 5)],
    ]),
    large: await inTurn([
      ["17M", large],
      ["17M again", large],
      ["17M front", changed(large, 7)],
      ["17M middle", changed(large, CHUNK_BYTES + 5)],
      ["17M end", changed(large, large.byteLength - 1)],
      ["17M grown", base],
      ["8M + 1", large.slice(0, CHUNK_BYTES + 1)],
      ["8M", large.slice(0, CHUNK_BYTES)],
      ["8M - 1", large.slice(0, CHUNK_BYTES - 1)],
    ]),
  };
}

/** How many whole chunks at the front of two sources are equal, of at most so many. */
export function equalChunks(one: Source, other: Source, countMax: number): number {
  const whole = Math.floor(Math.min(one.bytes, other.bytes) / CHUNK_BYTES);
  for (let index = 0; index < Math.min(whole, countMax); index += 1) {
    const [a, b] = [one, other].map(({ proofs }) => proofs.get("sha256")?.chunks[index]);
    if (Buffer.compare(a ?? Buffer.alloc(0), b ?? Buffer.alloc(0)) !== 0) return index;
  }
  return Math.min(whole, countMax);
}

export function proofsOf(source: Source, algorithm: Algorithm): Proofs {
  const proofs = source.proofs.get(algorithm);
  if (proofs === undefined) throw new Error(`${source.name} was not digested by ${algorithm}`);
  return proofs;
}

/** The digest that a client is told when it has put the source. */
export function digestText(source: Source, algorithm: Algorithm): string {
  return formatDigest(proofsOf(source, algorithm).whole);
}

async function makeOne(folder: string, name: string, content: Uint8Array): Promise<Source> {
  const local = join(folder, name);
  await writeFile(local, content);
  // Each its own whole millisecond, which is what the protocol carries.
  const modifiedMs = 1_600_000_000_000 + (Bun.hash.crc32(name) % 1_000_000_000);
  await utimes(local, new Date(modifiedMs), new Date(modifiedMs));
  const file = await OpenFile.open(local, constants.O_RDONLY);
  const fingerprint = sourceOf(await file.facts());
  await file.close();
  const proofs = new Map<Algorithm, Proofs>();
  const isLarge = content.byteLength > CHUNK_BYTES / 2;
  for (const algorithm of isLarge ? ALGORITHMS_USED.slice(0, 1) : ALGORITHMS_USED) {
    proofs.set(algorithm, await prove(content, algorithm));
  }
  const bytes = content.byteLength;
  const sha256 = sha256Hex(content);
  const mark = Buffer.from(fingerprint).toString("hex");
  return { name, local, content, bytes, modifiedMs, sha256, fingerprint, mark, proofs };
}

async function prove(content: Uint8Array, algorithm: Algorithm): Promise<Proofs> {
  const hasher = await createHasher(algorithm);
  const chunks: Uint8Array[] = [];
  for (let offset = 0; offset < Math.max(1, content.byteLength); offset += CHUNK_BYTES) {
    hasher.update(content.subarray(offset, offset + CHUNK_BYTES));
    chunks.push(hasher.finish());
  }
  return { chunks, whole: await composeDigest(algorithm, chunks) };
}

function changed(content: Uint8Array, offset: number): Uint8Array {
  const copy = content.slice();
  copy[offset] = (copy[offset] ?? 0) ^ 0xff;
  return copy;
}
