/** What uploads and downloads of one file have in common: the wish, the way, the receipt. */
import { lstatSync } from "node:fs";
import type { BigIntStats } from "node:fs";
import { realpath } from "node:fs/promises";
import { isSameBytes } from "../base/bytes.ts";
import { createHasher, DIGEST_BYTES_MAX } from "../base/digest.ts";
import type { Algorithm, FileDigest } from "../base/digest.ts";
import { errorOfSystem, FtpxError, isKind, withPath } from "../base/errors.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, CONTENT_BYTES_MAX, DIGEST_PAGE_CHUNKS_MAX } from "../base/limits.ts";
import { nameText, systemPath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Pace } from "./pace.ts";

/** What a copy remembers from one attempt to the next. */
export interface CopyMemory {
  /** The part of a download is sound as it is, by the version of its file. */
  part?: string;
  /** It asked to commit these chunks and did not hear the answer. */
  commit?: { readonly source: Uint8Array; readonly digests: readonly Uint8Array[] };
}

export interface CopyJob {
  /** Path on this machine. */
  readonly local: string;
  readonly path: VirtualPath;
  readonly algorithm: Algorithm;
  /** Whether a link on this machine may lead to the file that is sent; it may unless told otherwise. */
  readonly mayFollow?: boolean;
  /** Forget what an earlier attempt left. */
  readonly isFresh: boolean;
  /** Whether a file at the destination may be replaced. */
  readonly mayReplace: boolean;
  readonly pace: Pace | undefined;
  readonly memory: CopyMemory;
  readonly signal: AbortSignal;
  /** Bytes that are on the other side, of so many. */
  readonly onProgress: (doneBytes: number, totalBytes: number) => void;
}

export interface Copied {
  readonly bytes: number;
  readonly digest: FileDigest;
  /** Bytes that an earlier attempt had moved already. */
  readonly resumedAt: number;
  /** It was at its destination to the last byte, and nothing was moved. */
  readonly wasThere?: boolean;
}

/** What trying again does not mend. */
const ON_THE_WAY: Readonly<Record<string, string>> = {
  ENOTDIR: "something on the way to it is not a directory",
  ELOOP: "a symbolic link that cannot be followed is in the way",
};

/** As if the failure had no code: files of this machine are not files of the server. */
export function localFailure(error: unknown, path: string): unknown {
  const failure = errorOfSystem(error);
  if (!(failure instanceof FtpxError)) return failure;
  const { cause } = failure;
  if (isKind(failure, "NO_SUCH_PATH")) return new FtpxError("NO_LOCAL_FILE", { path }, { cause });
  if (isKind(failure, "DISK_FULL")) return new FtpxError("LOCAL_FULL", { path }, { cause });
  const code = (cause as { code?: string } | undefined)?.code ?? failure.kind;
  const isInTheWay = code in ON_THE_WAY;
  if (isInTheWay)
    return new FtpxError("LOCAL_PATH", { path, reason: ON_THE_WAY[code] ?? code }, { cause });
  if (isKind(failure, "NO_PERMISSION")) {
    const details = code === "EROFS" ? { reason: "the file system is read-only" } : {};
    return withPath(
      new FtpxError("NO_PERMISSION", { ...failure.details, ...details }, { cause }),
      path,
    );
  }
  if (!isKind(failure, "IO_FAILED", "NO_DESCRIPTORS")) return withPath(failure, path);
  return new FtpxError("LOCAL_IO", { path, reason: code }, { cause });
}

/** Where a path of this machine leads, all links followed. @throws the system's error */
export async function realPath(path: string): Promise<string> {
  const found = await realpath(systemPath(path), { encoding: "buffer" });
  return process.platform === "win32" ? found.toString() : nameText(found);
}

/**
 * What stands at a path of this machine, if it can be told; on the calling thread, so only for
 * names that the system has in memory because they were looked up a moment ago.
 */
export function findNow(path: string): BigIntStats | undefined {
  try {
    return lstatSync(systemPath(path), { bigint: true, throwIfNoEntry: false });
  } catch {
    return undefined; // whoever opens it finds out why
  }
}

/** The digest of one whole chunk of a file. */
export async function digestChunk(
  file: OpenFile,
  algorithm: Algorithm,
  index: number,
): Promise<Uint8Array> {
  const hasher = await createHasher(algorithm);
  const buffer = new Uint8Array(CONTENT_BYTES_MAX);
  for (let offset = 0; offset < CHUNK_BYTES; offset += buffer.byteLength) {
    const count = await file.read(buffer, index * CHUNK_BYTES + offset);
    hasher.update(buffer.subarray(0, count));
  }
  return hasher.finish();
}

/** How many of the chunks at the front of a file have these digests. */
export async function countEqualChunks(
  file: OpenFile,
  algorithm: Algorithm,
  digests: readonly Uint8Array[],
  signal: AbortSignal,
): Promise<number> {
  for (const [index, digest] of digests.entries()) {
    if (signal.aborted) throw new FtpxError("INTERRUPTED");
    const found = await digestChunk(file, algorithm, index);
    if (!isSameBytes(found, digest)) return index;
  }
  return digests.length;
}

/** All pages of a list of chunk digests. */
export async function fetchDigests(
  count: number,
  page: (firstChunk: number, count: number) => Promise<{ digests: Uint8Array[] }>,
): Promise<Uint8Array[]> {
  const digests: Uint8Array[] = [];
  while (digests.length < count) {
    const wanted = Math.min(DIGEST_PAGE_CHUNKS_MAX, count - digests.length);
    const { digests: some } = await page(digests.length, wanted);
    if (some.length === 0) throw new FtpxError("BAD_BODY", { reason: "digests are missing" });
    digests.push(...some);
  }
  return digests;
}

/**
 * What names a source: device, inode, size, mtime and ctime, digested. A source that was
 * changed with its size and mtime kept still gives another value, because ctime cannot
 * be set back.
 */
export function sourceOf(facts: FileFacts): Uint8Array {
  const named = `${facts.device}.${facts.version}`;
  return new Uint8Array(new Bun.CryptoHasher("sha256").update(named).digest()).slice(
    0,
    DIGEST_BYTES_MAX,
  );
}
