/**
 * Whether a file is on the server already, to the last byte, so that it need not be sent: the
 * answer to an earlier commit was lost, of this process or of one that was killed.
 *
 * Size and modification time tell what is worth a comparison; digests of all chunks tell
 * whether it is so.
 */
import { isSameBytes } from "../base/bytes.ts";
import { chunksOf, composeDigest } from "../base/digest.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Client } from "./client.ts";
import { digestChunk, sourceOf } from "./copy.ts";
import type { Copied, CopyJob } from "./copy.ts";

/** The server's file cannot be compared: not there, not a file, another one, not for this account. */
const UNSEEN = ["NO_SUCH_PATH", "NOT_A_DIRECTORY", "NOT_A_FILE", "CHANGED", "FORBIDDEN"] as const;

/** Chunks whose digests are asked for at a time: half a second of work for the server. */
const COMPARED_CHUNKS = 64;

/** A file of one chunk is compared only when this process remembers: it costs less to send. */
export async function findStored(
  client: Client,
  job: CopyJob,
  file: OpenFile,
  facts: FileFacts,
): Promise<Copied | undefined> {
  const { path, algorithm, memory, isFresh, onProgress } = job;
  const { bytes, modifiedMs } = facts;
  const isAsked = memory.commit !== undefined && isSameBytes(memory.commit.source, sourceOf(facts));
  const own = isAsked ? memory.commit?.digests : undefined;
  if (isFresh || (own === undefined && bytes <= CHUNK_BYTES)) return undefined;
  try {
    const found = await client.call("stat", { path });
    if (found.bytes !== bytes || found.modifiedMs !== modifiedMs) return undefined;
    const digests = await compare(client, job, file, { bytes, version: found.version, own });
    if (digests === undefined) return undefined;
    const after = await file.facts();
    if (after.version !== facts.version) return undefined;
    // The process that sent it may have been killed before the disk had its name.
    await client.call("sync", { path, version: found.version });
    await dropUpload(client, path);
    onProgress(bytes, bytes);
    const digest = await composeDigest(algorithm, digests);
    return { bytes, digest, resumedAt: bytes, wasThere: true };
  } catch (error) {
    if (isKind(error, ...UNSEEN)) return undefined;
    throw error;
  }
}

/** What was cut off there of another version would hold room for days. */
async function dropUpload(client: Client, path: VirtualPath): Promise<void> {
  try {
    await client.call("dropUpload", { path });
  } catch (error) {
    if (!isKind(error, "NO_SUCH_PATH", "UPLOAD_BUSY", "FORBIDDEN")) throw error;
  }
}

interface Compared {
  readonly bytes: number;
  /** Of the server's file. */
  readonly version: string;
  /** The digests of this file, where they are known. */
  readonly own: readonly Uint8Array[] | undefined;
}

/**
 * Page by page, the server digesting the next page meanwhile, until something differs.
 *
 * @returns the digests, if all of them are equal
 */
async function compare(
  client: Client,
  { path, algorithm, signal }: CopyJob,
  file: OpenFile,
  { bytes, version, own }: Compared,
): Promise<readonly Uint8Array[] | undefined> {
  const total = chunksOf(bytes);
  const page = async (firstChunk: number) => {
    const count = Math.min(COMPARED_CHUNKS, total - firstChunk);
    const wanted = { path, algorithm, version, firstChunk, count };
    const { digests } = await client.call("chunkDigests", wanted);
    if (digests.length === 0) throw new FtpxError("BAD_BODY", { reason: "digests are missing" });
    return digests;
  };
  const stored: Uint8Array[] = [];
  let next = page(0);
  while (stored.length < total) {
    const digests = await next;
    const first = stored.length;
    stored.push(...digests);
    if (stored.length < total) next = page(stored.length);
    // Whoever awaits it hears of its failure; where something differs nobody does.
    next.catch(() => {});
    for (const [index, digest] of digests.entries()) {
      if (signal.aborted) throw new FtpxError("INTERRUPTED");
      const at = first + index;
      const mine = own?.[at] ?? (await digestChunk(file, algorithm, at));
      if (!isSameBytes(mine, digest)) return undefined;
    }
  }
  return stored;
}
