/**
 * One file from the server, over one connection: what is held of the same version is
 * kept, content goes into the part, the end is proved, and only then does the part
 * become the file.
 *
 * When the server's file is another version than the part's, the chunks that are still
 * equal at its front are kept, so two versions never mix.
 */
import { isSameBytes } from "../base/bytes.ts";
import { composeDigest, demandDigest, formatDigest, isSameDigest } from "../base/digest.ts";
import type { FileDigest } from "../base/digest.ts";
import { FtpxError, isKind } from "../base/errors.ts";
import {
  CHUNK_BYTES,
  CONTENT_STALL_MS_MAX,
  HELD_BYTES_EACH,
  WINDOW_BYTES,
  WINDOW_BYTES_MIN,
} from "../base/limits.ts";
import type { Notice, NoticeName } from "../commands/notices.ts";
import { Gate } from "../transfer/gate.ts";
import { Receiver } from "../transfer/receiver.ts";
import type { ProvedChunk } from "../transfer/receiver.ts";
import type { Client, ReplyOf, TransferListener } from "./client.ts";
import { countEqualChunks, fetchDigests, localFailure } from "./copy.ts";
import type { Copied, CopyJob } from "./copy.ts";
import { demandPlace } from "./destination.ts";
import { DownloadPart } from "./part.ts";
import type { PartOrigin } from "./partlog.ts";

/** @throws FtpxError NO_SUCH_PATH, LOCAL_EXISTS, LOCAL_IO, CHANGED, DIGEST_MISMATCH, CONNECTION_LOST, … */
export async function downloadOnce(
  client: Client,
  wanted: CopyJob,
  server: string,
): Promise<Copied> {
  const destination = await demandPlace(wanted);
  const job = { ...wanted, local: destination };
  const part = await DownloadPart.open(job.local, job.signal).catch((error: unknown) => {
    throw localFailure(error, job.local);
  });
  try {
    const isHeld =
      !job.isFresh &&
      part.origin?.server === server &&
      part.origin.path === job.path &&
      part.origin.algorithm === job.algorithm;
    if (!isHeld && !part.isNew) await part.clear();
    return await new Downloading(client, job, part, server).run();
  } catch (error) {
    const isOfUse = isWorthKeeping(error) && (await part.heldBytes()) > 0;
    if (!isOfUse) await part.remove();
    throw error;
  } finally {
    await part.close();
  }
}

class Downloading implements TransferListener {
  readonly #client: Client;
  readonly #job: CopyJob;
  readonly #part: DownloadPart;
  readonly #server: string;
  readonly stallMsMax = CONTENT_STALL_MS_MAX;
  /** Room for a window of content, and for the proofs of the chunks that end in it. */
  readonly #gate = new Gate<Receiver>(WINDOW_BYTES + HELD_BYTES_EACH);
  readonly #ended = Promise.withResolvers<Notice<"end">>();
  #id = 0;
  #totalBytes = 0;
  #acknowledgedOffset = 0;
  #receiver: Receiver | undefined;
  #saving: Promise<void> = Promise.resolve();
  #syncing: Promise<void> | undefined;
  #acknowledging: Promise<void> = Promise.resolve();
  /** Chunks of an earlier attempt are read back and compared, behind the content. */
  #checking: Promise<void> | undefined;
  #isSound = false;
  /** Where some of them are damaged: how many before that are not. */
  #soundChunks: number | undefined;
  /** Of the check of what is held, where there is one. */
  #ending: AbortController | undefined;
  #failure: FtpxError | undefined;
  /** All content has come. */
  #isComplete = false;
  /** Acknowledgements that a rate limit holds back. */
  #pacedCount = 0;

  constructor(client: Client, job: CopyJob, part: DownloadPart, server: string) {
    this.#client = client;
    this.#job = job;
    this.#part = part;
    this.#server = server;
    // A failure may come before anybody waits for the end.
    this.#ended.promise.catch(() => {});
  }

  async run(): Promise<Copied> {
    const { signal } = this.#job;
    const interrupt = () => this.failed(new FtpxError("INTERRUPTED"));
    if (signal.aborted) interrupt();
    signal.addEventListener("abort", interrupt, { once: true });
    try {
      return await this.#receive();
    } catch (error) {
      this.#leave();
      throw this.#failure ?? error;
    } finally {
      await this.#receiver?.settle();
      await this.#saving;
      await this.#syncing;
      this.#ending?.abort();
      await Promise.allSettled([this.#checking]);
      await this.#remember();
      this.#client.forget(this.#id);
      signal.removeEventListener("abort", interrupt);
    }
  }

  content(offset: number, piece: Uint8Array): void {
    this.#guard(() => this.#gate.pass(piece, (receiver, held) => receiver.accept(offset, held)));
  }

  notice<Name extends NoticeName>(name: Name, value: Notice<Name>): void {
    if (name === "end") {
      this.#isComplete = true;
      this.#ended.resolve(value as Notice<"end">);
    } else if (name === "proof") {
      const { index, digest } = value as Notice<"proof">;
      this.#guard(() => {
        demandDigest(this.#job.algorithm, digest);
        this.#gate.pass(digest, (receiver, held) => receiver.prove(index, held));
      });
    } else {
      throw new FtpxError("BAD_STATE", { reason: `${name} for a download` });
    }
  }

  /** Neither this side's disk nor its rate limit holds the server back. */
  isWaiting(): boolean {
    const receiver = this.#receiver;
    return receiver?.isWriting === false && !this.#isComplete && this.#pacedCount === 0;
  }

  failed(failure: FtpxError): void {
    this.#failure ??= failure;
    this.#receiver?.stop(failure);
    this.#ended.reject(failure);
  }

  async #receive(): Promise<Copied> {
    const fromOffset = await this.#part.heldBytes();
    const version = fromOffset === 0 ? undefined : (await this.#part.file.facts()).version;
    const opened = await this.#open(fromOffset);
    this.#totalBytes = opened.totalBytes;
    this.#job.onProgress(fromOffset, opened.totalBytes);
    const held = this.#part.digests.slice();
    // What this side has to hold is what it offered, whatever the server says.
    const windowBytes = Math.min(opened.windowBytes, WINDOW_BYTES);
    const receiver = await this.#makeReceiver(fromOffset, windowBytes);
    this.#checking = this.#checkHeld(held, version);
    // Whoever publishes hears of a failure; until then nobody may listen.
    this.#checking.catch(() => {});
    this.#guard(() => this.#gate.open(receiver));
    const end = await this.#ended.promise;
    if (end.totalBytes !== opened.totalBytes) throw new FtpxError("CHANGED");
    const received = await receiver.finish();
    const { algorithm } = this.#job;
    await this.#demandEqual(received, { algorithm, bytes: end.digest, chunks: end.chunks });
    await this.#saving;
    await this.#syncing;
    if (this.#failure !== undefined) throw this.#failure;
    await this.#checking;
    const digest = await composeDigest(algorithm, [...held, ...received]);
    await this.#part.publish(opened.modifiedMs).catch((error: unknown) => {
      throw localFailure(error, this.#job.local);
    });
    return { bytes: opened.totalBytes, digest, resumedAt: fromOffset };
  }

  /** @throws FtpxError CHANGED when another attempt should be made with what is now held */
  async #open(fromOffset: number): Promise<ReplyOf<"openDownload">> {
    const { path, algorithm, pace } = this.#job;
    const windowBytes = pace === undefined ? WINDOW_BYTES : WINDOW_BYTES_MIN;
    const version = fromOffset > 0 ? this.#part.origin?.version : undefined;
    const request = { path, algorithm, fromOffset, version, windowBytes };
    const { id, reply } = this.#client.start("openDownload", request, this);
    this.#id = id;
    try {
      const opened = await reply;
      if (fromOffset === 0) await this.#begin(opened);
      return opened;
    } catch (error) {
      if (isKind(error, "CHANGED", "OUT_OF_RANGE") && version !== undefined)
        await this.#keepEqual();
      throw error;
    }
  }

  /** A file of one chunk is not worth a log: it is fetched again as a whole. */
  async #begin(opened: ReplyOf<"openDownload">): Promise<void> {
    if (opened.totalBytes > CHUNK_BYTES) await this.#part.restart(this.#originOf(opened), 0, 0);
    else if (this.#part.origin !== undefined) await this.#part.clear();
  }

  /** The file has another version now: what is equal at its front stays. */
  async #keepEqual(): Promise<void> {
    const { path, algorithm } = this.#job;
    const facts = await this.#client.call("stat", { path });
    const { version } = facts;
    const held = this.#part.digests;
    const comparable = Math.min(held.length, Math.floor(facts.bytes / CHUNK_BYTES));
    const found = await fetchDigests(comparable, (firstChunk, count) =>
      this.#client.call("chunkDigests", { path, algorithm, version, firstChunk, count }),
    );
    const differs = found.findIndex((digest, index) => {
      const own = held[index];
      return own === undefined || !isSameBytes(own, digest);
    });
    const kept = differs < 0 ? found.length : differs;
    if (kept === 0) await this.#part.clear();
    else await this.#part.restart(this.#originOf({ version }), kept, kept * CHUNK_BYTES);
  }

  /**
   * A disk, a crash or a hand may have changed them since they were proved; what this process
   * left is as it was, and what was read when the part was opened is not read again.
   *
   * @throws FtpxError CHUNK_DAMAGED, and what is kept ends there
   */
  async #checkHeld(held: readonly Uint8Array[], version: string | undefined): Promise<void> {
    const { memory, algorithm } = this.#job;
    if (held.length > 0 && memory.part !== version && !this.#part.isChecked) {
      const { file } = this.#part;
      this.#ending = new AbortController();
      const sound = await countEqualChunks(file, algorithm, held, this.#ending.signal);
      if (sound < held.length) {
        const failure = new FtpxError("CHUNK_DAMAGED", { offset: sound * CHUNK_BYTES });
        this.#soundChunks = sound;
        this.failed(failure);
        throw failure;
      }
    }
    this.#isSound = true;
  }

  /** What the next attempt may believe of the part. */
  async #remember(): Promise<void> {
    const { memory } = this.#job;
    const origin = this.#part.origin;
    delete memory.part;
    if (this.#soundChunks !== undefined && origin !== undefined) {
      await this.#part.restart(origin, this.#soundChunks, this.#soundChunks * CHUNK_BYTES);
    } else if (this.#isSound && origin !== undefined) {
      memory.part = (await this.#part.file.facts()).version;
    }
  }

  #originOf({ version }: { readonly version: string }): PartOrigin {
    const { path, algorithm } = this.#job;
    return { server: this.#server, path, version, algorithm };
  }

  async #makeReceiver(fromOffset: number, windowBytes: number): Promise<Receiver> {
    this.#acknowledgedOffset = fromOffset;
    const receiver = await Receiver.create(
      {
        file: this.#part.file,
        algorithm: this.#job.algorithm,
        totalBytes: this.#totalBytes,
        firstChunk: this.#part.digests.length,
        fromOffset,
        windowBytes,
      },
      {
        acknowledge: (offset) => this.#acknowledge(offset),
        received: (chunks) => this.#save(chunks),
        failed: (failure) => this.#failedHere(failure),
      },
    );
    this.#receiver = receiver;
    if (this.#failure !== undefined) throw this.#failure;
    return receiver;
  }

  /** A rate limit holds the acknowledgement back, and so the sender. */
  #acknowledge(offset: number): void {
    const { pace } = this.#job;
    const acknowledge = () => {
      this.#job.onProgress(offset, this.#totalBytes);
      this.#client.notify(this.#id, "ack", { offset });
    };
    if (pace === undefined) {
      acknowledge();
      return;
    }
    const bytes = offset - this.#acknowledgedOffset;
    this.#acknowledgedOffset = offset;
    this.#pacedCount += 1;
    this.#acknowledging = this.#acknowledging
      .then(() => pace.wait(bytes))
      .then(acknowledge)
      .finally(() => (this.#pacedCount -= 1));
  }

  #save(chunks: readonly ProvedChunk[]): void {
    const digests = chunks.map(({ digest }) => digest);
    this.#saving = this.#saving
      .then(() => this.#part.add(digests))
      .catch((error: unknown) => this.#failedHere(error));
    this.#syncing ??= this.#sync();
  }

  /** Behind the content, so that the last sync has little left to do. */
  async #sync(): Promise<void> {
    try {
      await this.#part.sync();
    } catch (error) {
      this.#failedHere(error);
    } finally {
      this.#syncing = undefined;
    }
  }

  #failedHere(error: unknown): void {
    this.failed(localFailure(error, this.#job.local) as FtpxError);
  }

  #guard(work: () => void): void {
    if (this.#failure !== undefined) return;
    try {
      work();
    } catch (error) {
      if (!(error instanceof FtpxError)) throw error;
      this.failed(error);
    }
  }

  async #demandEqual(received: readonly Uint8Array[], sent: FileDigest): Promise<void> {
    const found = await composeDigest(sent.algorithm, received);
    if (isSameDigest(found, sent)) return;
    const details = { expected: formatDigest(sent), digest: formatDigest(found) };
    throw new FtpxError("DIGEST_MISMATCH", details);
  }

  #leave(): void {
    if (!this.#client.isOpen || this.#id === 0) return;
    const transfer = this.#id;
    this.#client.call("closeTransfer", { transfer, isDiscarded: false }).catch(() => {});
  }
}

/** A part is of use when the transfer can go on later. */
function isWorthKeeping(error: unknown): boolean {
  if (!(error instanceof FtpxError)) return false;
  return error.isTemporary || isKind(error, "INTERRUPTED", "LOCAL_FULL");
}
