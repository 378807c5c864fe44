/**
 * A copy of a file within one home: an upload whose content comes from the home. So it is
 * charged before its first byte, proved by its digests, synced and published like any other,
 * and a copy that fails leaves nothing.
 */
import { composeDigest } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { FtpxError, isKind, withPath } from "../base/errors.ts";
import type { VirtualPath } from "../base/path.ts";
import { BUFFERS } from "../transfer/buffers.ts";
import { sendFile } from "../transfer/sender.ts";
import { SendWindow } from "../transfer/window.ts";
import type { OpenFile } from "../base/openfile.ts";
import type { Vfs } from "./vfs.ts";

export interface CopyWish {
  readonly from: VirtualPath;
  readonly to: VirtualPath;
  readonly mayReplace: () => boolean;
  readonly windowBytes: number;
  /** So many bytes more of so many were read and taken. */
  readonly onProgress: (bytes: number, totalBytes: number) => void;
}

const ALGORITHM = "sha256";

/**
 * @returns the bytes that were copied
 * @throws FtpxError what Vfs.openFile and Vfs.openUpload throw; CHANGED; what `signal` says
 */
export async function duplicate(vfs: Vfs, wish: CopyWish, signal: AbortSignal): Promise<number> {
  if (wish.from === wish.to) {
    throw new FtpxError("BAD_PATH", { reason: "source and destination are the same" });
  }
  const file = await vfs.openFile(wish.from);
  try {
    return await copyFrom(file, vfs, wish, signal);
  } catch (error) {
    // Of two paths a refusal is about the source, unless it names the other.
    throw isKind(error, "CHANGED") ? error : withPath(error, wish.to);
  } finally {
    await file.close();
  }
}

async function copyFrom(
  file: OpenFile,
  vfs: Vfs,
  { to, mayReplace, windowBytes, onProgress }: CopyWish,
  signal: AbortSignal,
): Promise<number> {
  const facts = await file.facts();
  const { bytes: totalBytes, modifiedMs, version } = facts;
  const window = new SendWindow(windowBytes, 0);
  const stop = () => window.fail(failureOf(signal));
  const source = new TextEncoder().encode(version).subarray(0, SOURCE_BYTES_MAX);
  const algorithm: Algorithm = ALGORITHM;
  const known = vfs.knownDigests(facts, algorithm);
  const what = { totalBytes, modifiedMs, source, algorithm, isFresh: true, isCopy: true };
  const claimed = await vfs.openUpload(
    { path: to, mayReplace, windowBytes, ...what },
    {
      acknowledge: (offset) => window.acknowledge(offset),
      failed: (failure) => window.fail(failure),
    },
  );
  const { upload } = claimed;
  signal.addEventListener("abort", stop, { once: true });
  try {
    if (signal.aborted) throw failureOf(signal);
    const digests = await sendFile({
      file,
      algorithm,
      known,
      totalBytes,
      firstChunk: 0,
      fromOffset: 0,
      window,
      // The disk is behind, and what is read waits for it.
      pace: () => BUFFERS.roomy(),
      target: {
        prefixBytes: 0,
        sendContent: async (frame, offset, bytes) => {
          upload.accept(offset, frame.subarray(0, bytes));
          onProgress(bytes, totalBytes);
        },
        sendProof: (index, digest) => upload.prove(index, digest),
      },
    });
    if ((await file.facts()).content !== facts.content) throw new FtpxError("CHANGED");
    await upload.commit(totalBytes, await composeDigest(algorithm, digests));
  } catch (error) {
    await claimed.discard();
    throw error;
  } finally {
    signal.removeEventListener("abort", stop);
    await claimed.close();
  }
  return totalBytes;
}

/** As the wire bounds what a client may say of its source. */
const SOURCE_BYTES_MAX = 64;

function failureOf(signal: AbortSignal): FtpxError {
  return signal.reason instanceof FtpxError ? signal.reason : new FtpxError("CONNECTION_LOST");
}
