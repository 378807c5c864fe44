/**
 * Uploads that were cut off: what is known of them, and how they are given up. Their room is
 * free again when `dropInterrupted` resolves. One that a session has open is dropped only
 * when nothing comes for it any more; who wants it sooner ends the transfer first.
 */
import { FtpxError } from "../base/errors.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import { parsePath } from "../base/path.ts";
import type { VirtualPath } from "../base/path.ts";
import { claimKey } from "./claims.ts";
import type { Depot } from "./depot.ts";

export interface Interrupted {
  readonly path: VirtualPath;
  readonly totalBytes: number;
  /** On the disk and proved. */
  readonly heldBytes: number;
  /** Of running time of the server since the last of them came, in the steps of its sweeps. */
  readonly idleMs: number;
  /** A session has it open. */
  readonly isOpen: boolean;
}

/** By path. */
export async function listInterrupted(
  { state, claims }: Depot,
  user: string,
): Promise<Interrupted[]> {
  const rows = await state.uploads(user);
  return rows
    .filter(({ phase }) => phase === "receiving")
    .map(({ path, totalBytes, chunkCount, idleMs }) => ({
      path: parsePath(path),
      totalBytes,
      heldBytes: Math.min(totalBytes, chunkCount * CHUNK_BYTES),
      idleMs,
      isOpen: claims.isClaimed(claimKey(user, path)),
    }))
    .toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** @returns how large it was to become @throws FtpxError NO_SUCH_PATH, UPLOAD_BUSY */
export async function dropInterrupted(
  { state, store, claims, knownParts }: Depot,
  user: string,
  path: VirtualPath,
): Promise<number> {
  const key = claimKey(user, path);
  const claim = await claims.claim(key);
  let totalBytes = 0;
  await claims.release(key, claim, async () => {
    const rows = await state.uploads(user);
    const row = rows.find((one) => one.path === path && one.phase === "receiving");
    if (row === undefined) throw new FtpxError("NO_SUCH_PATH");
    ({ totalBytes } = row);
    knownParts.delete(row.id);
    await state.discard(row.id);
    await store.parts.remove(row.id);
  });
  return totalBytes;
}
