/**
 * Running digests of file content (only user of hash-wasm).
 *
 * A file is digested in chunks of CHUNK_BYTES. The digest of a file of at most one
 * chunk is plain; that of a longer one is the digest of its concatenated binary
 * chunk digests, written with `-CHUNKS` behind it: the composition that S3 uses for
 * composite checksums.
 */
import { createBLAKE3, createXXHash128 } from "hash-wasm";
import { isSameBytes } from "./bytes.ts";
import { FtpxError } from "./errors.ts";
import type { OpenFile } from "./openfile.ts";
import { CHUNK_BYTES, CONTENT_BYTES_MAX } from "./limits.ts";

/** The number is the algorithm's permanent code on the wire. */
export const ALGORITHMS = {
  sha256: { code: 1, digestBytes: 32 },
  md5: { code: 2, digestBytes: 16 },
  xxh128: { code: 3, digestBytes: 16 },
  blake3: { code: 4, digestBytes: 32 },
} as const;

export type Algorithm = keyof typeof ALGORITHMS;

export const DIGEST_BYTES_MAX = 32;

export interface FileDigest {
  readonly algorithm: Algorithm;
  readonly bytes: Uint8Array;
  /** Chunks it covers; above one the digest is a composite. */
  readonly chunks: number;
}

/** One digest that is fed in pieces and can be used again after `finish()`. */
export interface Hasher {
  update(bytes: Uint8Array): void;
  finish(): Uint8Array;
}

export function isAlgorithm(name: string): name is Algorithm {
  return Object.hasOwn(ALGORITHMS, name);
}

export async function createHasher(algorithm: Algorithm): Promise<Hasher> {
  if (algorithm === "sha256" || algorithm === "md5") return nativeHasher(algorithm);
  const wasm = await (algorithm === "blake3" ? createBLAKE3() : createXXHash128());
  wasm.init();
  return {
    update: (bytes) => void wasm.update(bytes),
    finish: () => {
      const digest = wasm.digest("binary");
      wasm.init();
      return digest;
    },
  };
}

function nativeHasher(algorithm: "sha256" | "md5"): Hasher {
  // A small file needs only one, and none behind it.
  let hasher: Bun.CryptoHasher | undefined;
  const current = () => (hasher ??= new Bun.CryptoHasher(algorithm));
  return {
    update: (bytes) => void current().update(bytes),
    finish: () => {
      const digest = new Uint8Array(current().digest());
      hasher = undefined;
      return digest;
    },
  };
}

/** Digests content chunk by chunk, from a chunk boundary on. */
export class ChunkDigester {
  readonly #hasher: Hasher;
  readonly #firstChunk: number;
  readonly #onChunk: (index: number, digest: Uint8Array) => void;
  readonly #digests: Uint8Array[] = [];
  #chunkBytes = 0;

  /** @param onChunk called with each whole chunk as its last byte comes */
  constructor(
    hasher: Hasher,
    firstChunk: number,
    onChunk: (index: number, digest: Uint8Array) => void = () => {},
  ) {
    this.#hasher = hasher;
    this.#firstChunk = firstChunk;
    this.#onChunk = onChunk;
  }

  update(bytes: Uint8Array): void {
    let rest = bytes;
    while (rest.byteLength > 0) {
      const taken = rest.subarray(0, CHUNK_BYTES - this.#chunkBytes);
      this.#hasher.update(taken);
      this.#chunkBytes += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
      if (this.#chunkBytes === CHUNK_BYTES) this.#closeWhole();
    }
  }

  /**
   * Digests of all chunks from the first one on, the last one whole or not. An empty
   * file has one empty chunk. The digester must not be used afterwards.
   */
  finish(): Uint8Array[] {
    const isEmptyFile = this.#firstChunk === 0 && this.#digests.length === 0;
    if (this.#chunkBytes > 0 || isEmptyFile) this.#digests.push(this.#hasher.finish());
    return this.#digests;
  }

  #closeWhole(): void {
    const digest = this.#hasher.finish();
    this.#chunkBytes = 0;
    this.#digests.push(digest);
    this.#onChunk(this.#firstChunk + this.#digests.length - 1, digest);
  }
}

/** The digest over chunks in a row, by their digests: plain for one, else composite. */
export async function composeDigest(
  algorithm: Algorithm,
  chunkDigests: readonly Uint8Array[],
): Promise<FileDigest> {
  const chunks = chunkDigests.length;
  const [only] = chunkDigests;
  if (chunks === 1 && only !== undefined) return { algorithm, bytes: only, chunks };
  const hasher = await createHasher(algorithm);
  for (const digest of chunkDigests) hasher.update(digest);
  return { algorithm, bytes: hasher.finish(), chunks };
}

export function isSameDigest(a: FileDigest, b: FileDigest): boolean {
  return a.algorithm === b.algorithm && a.chunks === b.chunks && isSameBytes(a.bytes, b.bytes);
}

/** `sha256:<hex>`, with `-<chunks>` behind it for a file of several chunks. */
export function formatDigest(digest: FileDigest): string {
  const suffix = digest.chunks > 1 ? `-${digest.chunks}` : "";
  return `${digest.algorithm}:${Buffer.from(digest.bytes).toString("hex")}${suffix}`;
}

/**
 * Digests what a file holds already, so that the digester can go on behind it. Reads
 * at most what lies between `fromOffset` and `toOffset`; a file that ends earlier is
 * refused.
 */
export async function digestRange(
  digester: ChunkDigester,
  file: OpenFile,
  fromOffset: number,
  toOffset: number,
): Promise<void> {
  const buffer = new Uint8Array(Math.min(toOffset - fromOffset, CONTENT_BYTES_MAX));
  for (let offset = fromOffset; offset < toOffset;) {
    const wanted = buffer.subarray(0, Math.min(buffer.byteLength, toOffset - offset));
    const count = await file.read(wanted, offset);
    if (count < wanted.byteLength) throw new FtpxError("CHANGED");
    digester.update(wanted);
    offset += count;
  }
}

/** Chunks of a file of this size; an empty file has one, empty chunk. */
export function chunksOf(totalBytes: number): number {
  return Math.max(1, Math.ceil(totalBytes / CHUNK_BYTES));
}

/** What a peer calls a digest. @throws FtpxError BAD_BODY unless it is as long as one */
export function demandDigest(algorithm: Algorithm, digest: Uint8Array): void {
  if (digest.byteLength === ALGORITHMS[algorithm].digestBytes) return;
  throw new FtpxError("BAD_BODY", { reason: "a digest of another length" });
}

/** @throws FtpxError USAGE */
export function parseAlgorithm(name: string): Algorithm {
  if (isAlgorithm(name)) return name;
  const known = Object.keys(ALGORITHMS).join(", ");
  throw new FtpxError("USAGE", { reason: `no digest algorithm "${name}" (${known})` });
}
