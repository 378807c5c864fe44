/**
 * Whether an upload fits the disk. That is looked at once, where it is opened; nothing is set
 * aside on the disk, so what others write meanwhile is found out by writing (DISK_FULL again).
 */
import { FtpxError } from "../base/errors.ts";
import { CHUNK_BYTES, DISK_RESERVE_BYTES } from "../base/limits.ts";
import type { UploadOpened } from "../state/contract.ts";
import type { Parts } from "../store/store.ts";

/**
 * Whoever sends a large file hears before its first byte that it cannot fit. Others may be
 * faster, and a disk that is full later is heard of later. @throws FtpxError DISK_FULL
 */
export async function demandDisk(
  parts: Pick<Parts, "freeBytes">,
  { isResumed, row }: UploadOpened,
): Promise<void> {
  const heldBytes = isResumed ? row.chunkCount * CHUNK_BYTES : 0;
  const neededBytes = row.totalBytes - heldBytes;
  // For small files the question would cost more than it is worth.
  if (neededBytes <= CHUNK_BYTES) return;
  const leftBytes = await parts.freeBytes();
  if (leftBytes === undefined) return;
  const freeBytes = Math.max(0, leftBytes - DISK_RESERVE_BYTES);
  if (neededBytes > freeBytes) throw new FtpxError("DISK_FULL", { neededBytes, freeBytes });
}
