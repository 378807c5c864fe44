/**
 * Downloads as a session sees them: one open file, sent within the client's window.
 *
 * The descriptor pins one version of the file. If that version is written to while it
 * is sent, the download ends with CHANGED instead of an end: the reader gets one whole
 * version or a typed error.
 */
import { composeDigest } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import type { FileFacts, OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, SETTLED_MS, WINDOW_BYTES_MIN } from "../base/limits.ts";
import type { VirtualPath } from "../base/path.ts";
import type { Session } from "../sessions/session.ts";
import type { Transfer } from "../sessions/transfers.ts";
import { Motion } from "../transfer/motion.ts";
import { sendFile } from "../transfer/sender.ts";
import type { SenderStart, SenderTarget } from "../transfer/sender.ts";
import { SendWindow } from "../transfer/window.ts";
import type { Call } from "./command.ts";
import { tellFailure } from "./failures.ts";

interface OpenRequest {
  readonly path: VirtualPath;
  readonly algorithm: Algorithm;
  readonly fromOffset: number;
  /** The version that the held part is of; nothing is held when absent. */
  readonly version: string | undefined;
  readonly windowBytes: number;
}

class DownloadTransfer implements Transfer {
  readonly motion: Motion;
  readonly windowBytes: number;
  readonly needs = ["read"] as const;
  readonly #session: Session;
  readonly #id: number;
  readonly #window: SendWindow;
  readonly #opening = Promise.withResolvers<void>();
  #sending: Promise<void> | undefined;
  #isEnding = false;

  constructor(
    session: Session,
    id: number,
    { path, fromOffset }: OpenRequest,
    windowBytes: number,
  ) {
    this.#session = session;
    this.#id = id;
    this.windowBytes = windowBytes;
    this.#window = new SendWindow(windowBytes, fromOffset);
    const doneBytes = () => this.#window.acknowledgedOffset;
    this.motion = new Motion("download", path, undefined, doneBytes);
  }

  get window(): SendWindow {
    return this.#window;
  }

  /** The client gives it up, or has gone. */
  get isEnding(): boolean {
    return this.#isEnding;
  }

  get unacknowledgedBytes(): number {
    return this.#window.openBytes;
  }

  /** All that may be under way is. */
  get isPeersTurn(): boolean {
    return this.#window.isShut;
  }

  acknowledge(offset: number): number {
    const bytes = this.#window.acknowledge(offset);
    this.#session.transfers.moved(bytes);
    return bytes;
  }

  /** The open call is over; `sending` is what goes on behind it. */
  begun(sending: Promise<void> | undefined): void {
    this.#sending = sending;
    this.#opening.resolve();
  }

  /** What sends tells the peer. */
  revoke(failure: FtpxError): void {
    this.motion.outcome = "failed";
    void this.#session.transfers.end(this.#id, failure);
  }

  async end(failure: FtpxError): Promise<void> {
    this.#isEnding = true;
    this.#window.fail(failure);
    await this.#opening.promise;
    await this.#sending;
  }
}

/** @throws FtpxError NO_SUCH_PATH, IS_A_DIRECTORY, CHANGED, OUT_OF_RANGE, TOO_MANY_TRANSFERS */
export async function openDownload(session: Session, request: OpenRequest, call: Call) {
  const wishedBytes = Math.max(request.windowBytes, WINDOW_BYTES_MIN);
  const windowBytes = Math.min(wishedBytes, session.transfers.nextWindowBytes());
  const transfer = new DownloadTransfer(session, call.id, request, windowBytes);
  session.transfers.add(call.id, transfer);
  try {
    const file = await session.vfs.openFile(request.path);
    try {
      const facts = await demandVersion(file, request);
      transfer.motion.totalBytes = facts.bytes;
      transfer.begun(send(session, request, call, transfer, file, facts));
      const { bytes: totalBytes, modifiedMs, version } = facts;
      return { totalBytes, modifiedMs, version, windowBytes };
    } catch (error) {
      await file.close();
      throw error;
    }
  } catch (error) {
    transfer.begun(undefined);
    transfer.motion.outcome = "failed";
    session.transfers.forget(call.id);
    throw error;
  }
}

/** Sends behind the reply; never throws, because nobody waits for it. */
async function send(
  session: Session,
  request: OpenRequest,
  call: Call,
  transfer: DownloadTransfer,
  file: OpenFile,
  facts: FileFacts,
): Promise<void> {
  const { id, outlet } = call;
  const { motion, window } = transfer;
  const beganMs = performance.now();
  try {
    await call.replied;
    const { algorithm, fromOffset, path } = request;
    const target: SenderTarget = {
      prefixBytes: outlet.prefixBytes,
      sendContent: (frame, offset, bytes) => {
        motion.moved(bytes);
        session.registry.counters.sentBytes += bytes;
        session.sentBytes += bytes;
        return outlet.sendContent(id, frame, offset, bytes);
      },
      sendProof: (index, digest) => outlet.notify(id, "proof", { index, digest }),
    };
    const digests = await sendUnchanged(session, file, facts, {
      algorithm,
      fromOffset,
      window,
      target,
    });
    const { bytes, chunks } = await composeDigest(algorithm, digests);
    outlet.notify(id, "end", { totalBytes: facts.bytes, chunks, digest: bytes });
    motion.outcome = "done";
    const seconds = Math.round(performance.now() - beganMs) / 1000;
    const fields = { direction: "download", path, bytes: facts.bytes, resumedAt: fromOffset };
    session.emit("transfer", { ...fields, seconds });
  } catch (error) {
    const failure = failureOf(error);
    if (!transfer.isEnding) {
      motion.outcome = "failed";
      tellFailure(session, motion, failure);
    }
    outlet.fail(id, failure);
  } finally {
    session.transfers.forget(id);
    await file.closeOf(facts.bytes);
  }
}

/**
 * @returns digests of the chunks from the first one on that is sent
 * @throws FtpxError CHANGED, and what sendFile throws
 */
async function sendUnchanged(
  { vfs }: Session,
  file: OpenFile,
  facts: FileFacts,
  wish: Pick<SenderStart, "algorithm" | "fromOffset" | "window" | "target">,
): Promise<Uint8Array[]> {
  const { algorithm, fromOffset } = wish;
  const known = vfs.knownDigests(facts, algorithm);
  const isSettled = Date.now() - facts.changedMs >= SETTLED_MS;
  const firstChunk = Math.floor(fromOffset / CHUNK_BYTES);
  const digests = await sendFile({ ...wish, file, known, firstChunk, totalBytes: facts.bytes });
  const after = await file.facts();
  if (after.content !== facts.content) throw new FtpxError("CHANGED");
  const isSame = isSettled && after.version === facts.version;
  if (isSame && known === undefined) vfs.keepDigests(facts, algorithm, digests);
  return digests;
}

async function demandVersion(file: OpenFile, request: OpenRequest): Promise<FileFacts> {
  const facts = await file.facts();
  if (request.version !== undefined && request.version !== facts.version) {
    throw new FtpxError("CHANGED");
  }
  const isHeld = request.version !== undefined || request.fromOffset === 0;
  if (!isHeld || request.fromOffset > facts.bytes) {
    throw new FtpxError("OUT_OF_RANGE", { reason: "download offset" });
  }
  return facts;
}
