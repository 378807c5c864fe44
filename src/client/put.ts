/**
 * One file to the server, over one connection: an unfinished upload is continued as far
 * as it is proved to be of this source, then content, then commit.
 *
 * A small file goes out whole, without waiting for anything in between. A large one is not
 * sent when it is there already, to the last byte; else it first hears what the server holds:
 * when the source is the one of then, the last held chunk is compared; when it is not, all of
 * them, and the longest equal prefix is kept.
 */
import { isSameBytes } from "../base/bytes.ts";
import { composeDigest } from "../base/digest.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import { OpenFile } from "../base/openfile.ts";
import type { FileFacts } from "../base/openfile.ts";
import { constants } from "node:fs";
import {
  CHUNK_BYTES,
  EAGER_BYTES_MAX,
  WINDOW_BYTES_MIN,
  WINDOW_STALL_MS_MAX,
} from "../base/limits.ts";
import { systemPath } from "../base/path.ts";
import { sendFile } from "../transfer/sender.ts";
import { SendWindow } from "../transfer/window.ts";
import type { Client, ReplyOf, StartedCall, TransferListener } from "./client.ts";
import { countEqualChunks, digestChunk, fetchDigests, localFailure, sourceOf } from "./copy.ts";
import type { Copied, CopyJob } from "./copy.ts";
import { findStored } from "./stored.ts";

/** Where content begins, and what the server holds before that. */
interface Start {
  readonly held: readonly Uint8Array[];
  readonly fromOffset: number;
  readonly window: SendWindow;
}

/** @throws FtpxError NO_LOCAL_FILE, QUOTA_EXCEEDED, SOURCE_CHANGED, CHUNK_DAMAGED, CONNECTION_LOST, … */
export async function uploadOnce(client: Client, job: CopyJob): Promise<Copied> {
  const file = await openSource(job);
  try {
    const facts = await file.facts();
    if (facts.kind === "directory") throw new FtpxError("IS_A_DIRECTORY", { path: job.local });
    if (facts.kind !== "file") throw new FtpxError("NOT_A_FILE", { path: job.local });
    return await new Uploading(client, job, file, facts).run();
  } finally {
    file.closeNow();
  }
}

class Uploading implements TransferListener {
  readonly #client: Client;
  readonly #job: CopyJob;
  readonly #file: OpenFile;
  readonly #facts: FileFacts;
  readonly stallMsMax = WINDOW_STALL_MS_MAX;
  #window = new SendWindow(WINDOW_BYTES_MIN, 0);
  #failure: FtpxError | undefined;

  constructor(client: Client, job: CopyJob, file: OpenFile, facts: FileFacts) {
    this.#client = client;
    this.#job = job;
    this.#file = file;
    this.#facts = facts;
  }

  async run(): Promise<Copied> {
    const job = this.#job;
    const { signal } = job;
    const interrupt = () => this.failed(new FtpxError("INTERRUPTED"));
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      return (
        (await findStored(this.#client, job, this.#file, this.#facts)) ?? (await this.#upload())
      );
    } catch (error) {
      throw this.#failure ?? error;
    } finally {
      signal.removeEventListener("abort", interrupt);
    }
  }

  async #upload(): Promise<Copied> {
    if (this.#failure !== undefined) throw this.#failure;
    const isSmall = this.#facts.bytes <= EAGER_BYTES_MAX;
    const open = this.#open(this.#job.isFresh || isSmall);
    // A refusal is found where the transfer waits; before that nobody listens.
    open.reply.catch((failure: FtpxError) => this.failed(failure));
    try {
      return await (isSmall ? this.#sendEagerly(open) : this.#sendProved(open));
    } catch (error) {
      this.#leave(open);
      throw error;
    } finally {
      this.#client.forget(open.id);
    }
  }

  notice(name: string, value: unknown): void {
    if (name !== "ack") throw new FtpxError("BAD_STATE", { reason: `${name} for an upload` });
    const { offset } = value as { offset: number };
    const before = this.#window.acknowledgedOffset;
    this.#window.acknowledge(offset);
    this.#client.moved(offset - before);
    this.#job.onProgress(offset, this.#facts.bytes);
  }

  isWaiting(): boolean {
    return this.#window.isShut;
  }

  failed(failure: FtpxError): void {
    this.#failure ??= failure;
    this.#window.fail(failure);
  }

  #open(isFresh: boolean): StartedCall<ReplyOf<"openUpload">> {
    const { path, algorithm, mayReplace } = this.#job;
    const { bytes: totalBytes, modifiedMs } = this.#facts;
    const source = sourceOf(this.#facts);
    const request = { path, totalBytes, modifiedMs, source, algorithm, isFresh, mayReplace };
    return this.#client.start("openUpload", request, this);
  }

  /** Open, content and commit in one flight. */
  async #sendEagerly(open: StartedCall<unknown>): Promise<Copied> {
    // What arrived before a line was cut was moved by this command, and no earlier one.
    this.#job.onProgress(0, this.#facts.bytes);
    return await this.#send(open.id, { held: [], fromOffset: 0, window: this.#window });
  }

  async #sendProved(open: StartedCall<ReplyOf<"openUpload">>): Promise<Copied> {
    const opened = await open.reply;
    const start = await this.#prove(open.id, opened);
    this.#window = start.window;
    if (this.#failure !== undefined) throw this.#failure;
    this.#job.onProgress(start.fromOffset, this.#facts.bytes);
    return await this.#send(open.id, start);
  }

  async #send(id: number, { held, fromOffset, window }: Start): Promise<Copied> {
    const { algorithm, pace } = this.#job;
    const totalBytes = this.#facts.bytes;
    const client = this.#client;
    const sending = sendFile({
      file: this.#file,
      algorithm,
      totalBytes,
      firstChunk: held.length,
      fromOffset,
      window,
      target: {
        prefixBytes: client.prefixBytes,
        sendContent: (frame, offset, bytes) => client.sendContent(id, frame, offset, bytes),
        sendProof: (index, digest) => client.notify(id, "proof", { index, digest }),
      },
      ...(pace === undefined ? {} : { pace: (bytes: number) => pace.wait(bytes) }),
    });
    const sent = await sending.catch((error: unknown) => {
      throw isKind(error, "CHANGED")
        ? new FtpxError("SOURCE_CHANGED", {}, { cause: error })
        : error;
    });
    const after = await this.#file.facts();
    // A file that has more than it says, as those of /proc, is not stored as less.
    if (this.#file.hasContentAt(totalBytes) || after.version !== this.#facts.version)
      throw new FtpxError("SOURCE_CHANGED");
    if (this.#failure !== undefined) throw this.#failure;
    const digests = [...held, ...sent];
    const digest = await composeDigest(algorithm, digests);
    const { bytes, chunks } = digest;
    this.#job.memory.commit = { source: sourceOf(this.#facts), digests };
    await client.call("commit", { transfer: id, totalBytes, digest: bytes, chunks });
    this.#job.onProgress(totalBytes, totalBytes);
    return { bytes: totalBytes, digest, resumedAt: fromOffset };
  }

  async #prove(id: number, opened: ReplyOf<"openUpload">): Promise<Start> {
    const { chunkCount, storedBytes, windowBytes } = opened;
    demandPossible(opened);
    // More than the source has are of another one, and are not worth asking for.
    const comparableCount = Math.min(chunkCount, Math.ceil(this.#facts.bytes / CHUNK_BYTES));
    const held = await fetchDigests(comparableCount, (firstChunk, count) =>
      this.#client.call("partDigests", { transfer: id, firstChunk, count }),
    );
    if (await this.#isProved(opened, held)) {
      return { held, fromOffset: storedBytes, window: new SendWindow(windowBytes, storedBytes) };
    }
    const { algorithm, signal } = this.#job;
    const wholeChunks = Math.floor(this.#facts.bytes / CHUNK_BYTES);
    const comparable = held.slice(0, wholeChunks);
    const kept = await countEqualChunks(this.#file, algorithm, comparable, signal);
    const source = sourceOf(this.#facts);
    await this.#client.call("rewind", { transfer: id, chunkCount: kept, source });
    const fromOffset = kept * CHUNK_BYTES;
    const window = new SendWindow(windowBytes, fromOffset);
    return { held: held.slice(0, kept), fromOffset, window };
  }

  /** The source is the one of then, and its last held chunk says so too. */
  async #isProved(opened: ReplyOf<"openUpload">, held: readonly Uint8Array[]): Promise<boolean> {
    const { isSameSource, chunkCount, storedBytes } = opened;
    if (storedBytes === 0) return true;
    if (!isSameSource || storedBytes > this.#facts.bytes) return false;
    const last = held.at(-1);
    if (last === undefined) return true;
    const found = await digestChunk(this.#file, this.#job.algorithm, chunkCount - 1);
    return isSameBytes(found, last);
  }

  /** The server keeps the part; it need not wait for us to close the connection. */
  #leave(open: StartedCall<unknown>): void {
    if (!this.#client.isOpen) return;
    const transfer = open.id;
    this.#client.call("closeTransfer", { transfer, isDiscarded: false }).catch(() => {});
  }
}

/** A server could have us send nothing for ever, or ask it for digests for ever. @throws FtpxError OUT_OF_RANGE */
function demandPossible(opened: ReplyOf<"openUpload">): void {
  const { chunkCount, storedBytes, windowBytes } = opened;
  if (windowBytes < WINDOW_BYTES_MIN) throw new FtpxError("OUT_OF_RANGE", { reason: "window" });
  if (chunkCount * CHUNK_BYTES > storedBytes) {
    throw new FtpxError("OUT_OF_RANGE", { reason: "chunks of an unfinished upload" });
  }
}

async function openSource({ local: path, mayFollow = true }: CopyJob): Promise<OpenFile> {
  try {
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    if (mayFollow) return await OpenFile.open(systemPath(path), flags);
    return await OpenFile.openUnlinked(systemPath(path), flags);
  } catch (error) {
    throw localFailure(error, path);
  }
}
