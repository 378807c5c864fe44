/**
 * One upload that a session has open: its part, its receiver, its row in the journal.
 *
 * Chunks are entered in the journal when they are proved and their bytes are synced;
 * that runs behind the content and never holds it up. The part outlives the session;
 * only `commit` turns it into a file: content synced, digest equal, then publishing.ts.
 *
 * A part whose sync failed is of no use: nobody knows what the disk holds, reading it back
 * would show what memory holds, and a second sync would report success (fsync(2)).
 */
import { composeDigest, formatDigest, isSameDigest } from "../base/digest.ts";
import type { FileDigest } from "../base/digest.ts";
import { failureOf, FtpxError, isKind } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES } from "../base/limits.ts";
import type { VirtualPath } from "../base/path.ts";
import type { UploadOpened, UploadRow } from "../state/contract.ts";
import { Receiver } from "../transfer/receiver.ts";
import type { ProvedChunk } from "../transfer/receiver.ts";
import { demandDisk } from "./diskroom.ts";
import { HeldCheck, NO_SOURCE, notePart, openHeld } from "./heldcheck.ts";
import { publish } from "./publishing.ts";
import type { UploadGround } from "./publishing.ts";

export interface UploadManner {
  readonly path: VirtualPath;
  /**
   * Whether a file that stands at the path may be replaced: asked when the upload is opened, and
   * right before it is published. Throws where it may not be published at all any more.
   */
  readonly mayReplace: () => boolean;
  /** What the client may have in flight. */
  readonly windowBytes: number;
}

export interface UploadListener {
  acknowledge(offset: number): void;
  failed(failure: FtpxError): void;
}

export class Upload {
  readonly path: VirtualPath;
  readonly isSameSource: boolean;
  readonly #ground: UploadGround;
  readonly #listener: UploadListener;
  readonly #mayReplace: () => boolean;
  readonly #windowBytes: number;
  readonly #file: OpenFile;
  readonly #row: UploadRow;
  #chunkCount: number;
  /** Where the receiver began. */
  #firstChunk = 0;
  #fromOffset = 0;
  #receiver: Receiver | undefined;
  #isUntouched = true;
  /** Proved chunks that are not in the journal yet, and the work that brings them there. */
  #unsaved: ProvedChunk[] = [];
  #saving: Promise<void> | undefined;
  #failure: FtpxError | undefined;
  /** The held chunks are another source's, and the client has not said yet which of them stay. */
  #wantsRewind = false;
  #committing: Promise<void> | undefined;
  #rewinding: Promise<void> | undefined;
  /** The part is gone: published or dropped. */
  #isOver = false;
  /** A sync of the part failed. */
  #isUnsafe = false;
  /** The part is as the last session left it. */
  #isKnown = false;
  #check: HeldCheck | undefined;
  #lastActiveMs = performance.now();

  private constructor(
    ground: UploadGround,
    listener: UploadListener,
    opened: UploadOpened,
    manner: UploadManner,
    file: OpenFile,
  ) {
    this.#ground = ground;
    this.#listener = listener;
    this.#row = opened.row;
    this.path = manner.path;
    this.isSameSource = opened.isSameSource;
    this.#mayReplace = manner.mayReplace;
    this.#windowBytes = manner.windowBytes;
    this.#file = file;
    this.#chunkCount = opened.row.chunkCount;
  }

  /** Opens the part that belongs to a row of the journal. */
  static async open(
    ground: UploadGround,
    listener: UploadListener,
    opened: UploadOpened,
    manner: UploadManner,
  ): Promise<Upload> {
    const { id } = opened.row;
    if (opened.droppedId !== undefined) await ground.parts.remove(opened.droppedId);
    await demandDisk(ground.parts, opened);
    const file = opened.isResumed
      ? await openHeld(ground.parts, id)
      : await ground.parts.create(id);
    const upload = new Upload(ground, listener, opened, manner, file);
    try {
      // What was made just now holds nothing that could be gone on with.
      await (opened.isResumed ? upload.#prepare(opened.isSameSource) : upload.#receive(0));
    } catch (error) {
      await upload.#check?.stop();
      await file.close();
      throw error;
    }
    return upload;
  }

  /** Bytes that need not be sent, when the source is the same. */
  get storedBytes(): number {
    return this.#receiver?.acceptedOffset ?? 0;
  }

  get chunkCount(): number {
    return this.#chunkCount;
  }

  get totalBytes(): number {
    return this.#row.totalBytes;
  }

  /** When content came last, on the clock of performance.now(); a commit is never idle. */
  get lastActiveMs(): number {
    return this.#committing === undefined ? this.#lastActiveMs : performance.now();
  }

  /** Nothing happens until more comes from the client. */
  get isWaiting(): boolean {
    return this.#committing === undefined && this.#receiver?.isWriting === false;
  }

  digests(firstChunk: number, countMax: number): Promise<Uint8Array[]> {
    return this.#ground.state.digests(this.#row.id, firstChunk, countMax);
  }

  /** @throws FtpxError as Receiver.accept, BAD_STATE, and what ended the upload */
  accept(offset: number, piece: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#wantsRewind) throw new FtpxError("BAD_STATE", { reason: "rewind comes first" });
    this.#isUntouched = false;
    this.#lastActiveMs = performance.now();
    this.#demandReceiver().accept(offset, piece);
  }

  /** @throws FtpxError as Receiver.prove, and what ended the upload */
  prove(index: number, digest: Uint8Array): void {
    if (this.#failure !== undefined) throw this.#failure;
    this.#isUntouched = false;
    this.#demandReceiver().prove(index, digest);
  }

  /**
   * Keeps only the first chunks, because the source differs behind them. Only before
   * any content. @throws FtpxError BAD_STATE, OUT_OF_RANGE; NO_SUCH_TRANSFER while it is
   * committed or another rewind is under way; what ended the upload
   */
  async rewind(chunkCount: number, source: Uint8Array): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    this.#demandReceiver();
    if (!this.#isUntouched) throw new FtpxError("BAD_STATE", { reason: "content has come" });
    if (chunkCount > this.#chunkCount) throw new FtpxError("OUT_OF_RANGE", { reason: "chunks" });
    // Content that comes before this is done meets nobody.
    this.#receiver = undefined;
    this.#rewinding = this.#rewind(chunkCount, source);
    await this.#rewinding;
  }

  /**
   * Proves the whole, publishes it, and counts it. The part is gone afterwards, unless
   * the failure is one that can be mended by sending more.
   *
   * @throws FtpxError SIZE_MISMATCH, DIGEST_MISMATCH, EXISTS, IS_A_DIRECTORY,
   *   DISK_FULL, IO_FAILED, OUTCOME_UNKNOWN
   */
  async commit(totalBytes: number, sent: FileDigest): Promise<void> {
    if (this.#committing !== undefined) throw new FtpxError("NO_SUCH_TRANSFER");
    const receiver = this.#demandReceiver();
    this.#committing = this.#commit(receiver, totalBytes, sent);
    await this.#committing;
  }

  /**
   * Ends the upload for this session; what came in stays for the next one. @throws FtpxError when
   * what is of no use any more could not be dropped
   */
  async close(failure = new FtpxError("CONNECTION_LOST")): Promise<void> {
    // A commit that has begun is carried through, whoever is there to hear of it; and a rewind,
    // or it would cut whatever file gets the descriptor next.
    await Promise.allSettled([this.#committing, this.#rewinding]);
    this.#failure ??= failure;
    await this.#receiver?.settle();
    this.#receiver?.stop(this.#failure);
    await this.#saving;
    await this.#check?.stop();
    try {
      await this.#leavePart();
    } finally {
      await this.#file.closeOf(this.totalBytes);
    }
    if (this.#isUnsafe && !this.#isOver) await this.#drop();
  }

  /** Notes what the next session needs to know of the part. */
  async #leavePart(): Promise<void> {
    this.#ground.known.delete(this.#row.id);
    if (this.#isOver || this.#isUnsafe) return;
    await notePart(this.#ground, this.#file, this.#row.id, this.#check);
  }

  /** Ends the upload and forgets what came in. */
  async discard(): Promise<void> {
    await this.close();
    if (!this.#isOver) await this.#drop();
  }

  async #rewind(chunkCount: number, source: Uint8Array): Promise<void> {
    // Or it would take what is cut off for damage.
    await this.#endCheck();
    // First the part: a row that says more than the part holds is found out when it is opened.
    await this.#file.truncate(chunkCount * CHUNK_BYTES);
    await this.#ground.state.keepChunks(this.#row.id, chunkCount, source);
    this.#chunkCount = chunkCount;
    await this.#receive(chunkCount * CHUNK_BYTES);
    this.#wantsRewind = false;
  }

  async #commit(receiver: Receiver, totalBytes: number, sent: FileDigest): Promise<void> {
    const received = await receiver.finish();
    if (totalBytes !== this.totalBytes) {
      throw new FtpxError("SIZE_MISMATCH", { expectedBytes: this.totalBytes, bytes: totalBytes });
    }
    await this.#saving;
    if (this.#failure !== undefined) throw this.#failure;
    const { algorithm, id } = this.#row;
    const count = this.#firstChunk;
    const held = count === 0 ? [] : await this.#ground.state.digests(id, 0, count);
    await this.#check?.demandSound();
    const digests = [...held, ...received];
    const found = await composeDigest(algorithm, digests);
    if (!isSameDigest(found, sent)) {
      await this.#demandFresh();
      await this.#drop();
      throw new FtpxError("DIGEST_MISMATCH", {
        expected: formatDigest(sent),
        digest: formatDigest(found),
      });
    }
    await this.#file.setModified(this.#row.modifiedMs);
    await this.#sync(() => this.#file.sync());
    // Most files have one chunk, and are not remembered.
    const before = digests.length > 1 ? await this.#file.facts() : undefined;
    await this.#publish();
    if (before === undefined) return;
    await this.#ground.memory.keepPublished(this.#file, before.content, algorithm, digests);
  }

  /**
   * The last chunk began with what an earlier session had left of it, and no proof of its own
   * comes for it: it is sent again. @throws FtpxError CHUNK_DAMAGED
   */
  async #demandFresh(): Promise<void> {
    const offset = this.#firstChunk * CHUNK_BYTES;
    if (this.#fromOffset === offset || this.totalBytes > offset + CHUNK_BYTES) return;
    await this.#file.truncate(offset);
    throw new FtpxError("CHUNK_DAMAGED", { offset });
  }

  async #prepare(isSameSource: boolean): Promise<void> {
    const { bytes, version } = await this.#file.facts();
    this.#isKnown = this.#ground.known.get(this.#row.id) === version;
    const wholeChunks = Math.floor(Math.min(bytes, this.totalBytes) / CHUNK_BYTES);
    if (wholeChunks < this.#chunkCount) {
      // The disk lost what the journal promised, or the file has become smaller.
      this.#chunkCount = wholeChunks;
      await this.#ground.state.keepChunks(this.#row.id, wholeChunks, NO_SOURCE);
    }
    const heldBytes = this.#chunkCount * CHUNK_BYTES;
    const tailEnd = Math.min(bytes, heldBytes + CHUNK_BYTES, this.totalBytes);
    const fromOffset = isSameSource ? tailEnd : heldBytes;
    if (bytes !== fromOffset) await this.#file.truncate(fromOffset);
    this.#wantsRewind = !isSameSource && this.#chunkCount > 0;
    await this.#receive(fromOffset);
  }

  async #receive(fromOffset: number): Promise<void> {
    const { algorithm, totalBytes } = this.#row;
    const firstChunk = this.#chunkCount;
    const windowBytes = this.#windowBytes;
    this.#firstChunk = firstChunk;
    this.#fromOffset = fromOffset;
    await this.#endCheck();
    if (firstChunk > 0 && !this.#isKnown) this.#checkHeld(firstChunk);
    this.#receiver = await Receiver.create(
      { file: this.#file, algorithm, totalBytes, firstChunk, fromOffset, windowBytes },
      {
        acknowledge: (offset) => this.#listener.acknowledge(offset),
        received: (chunks) => this.#save(chunks),
        failed: (failure) => this.#fail(failure),
      },
    );
  }

  async #endCheck(): Promise<void> {
    const check = this.#check;
    this.#check = undefined;
    await check?.stop();
  }

  #checkHeld(chunkCount: number): void {
    // As soon as it is known, or much would be sent for nothing.
    const damaged = (failure: FtpxError): void => this.#fail(failure);
    this.#check = new HeldCheck(this.#ground, this.#file, this.#row, chunkCount, damaged);
  }

  #demandReceiver(): Receiver {
    if (this.#receiver === undefined || this.#committing !== undefined) {
      throw new FtpxError("NO_SUCH_TRANSFER");
    }
    return this.#receiver;
  }

  #save(chunks: readonly ProvedChunk[]): void {
    this.#unsaved.push(...chunks);
    this.#saving ??= this.#saveAll();
  }

  async #saveAll(): Promise<void> {
    try {
      while (this.#unsaved.length > 0) {
        const chunks = this.#unsaved.splice(0);
        await this.#sync(() => this.#file.syncData());
        const digests = chunks.map(({ digest }) => digest);
        await this.#ground.state.addChunks(this.#row.id, this.#chunkCount, digests);
        this.#chunkCount += chunks.length;
      }
    } catch (error) {
      this.#fail(failureOf(error));
    } finally {
      this.#saving = undefined;
    }
  }

  #fail(failure: FtpxError): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    this.#receiver?.stop(failure);
    this.#listener.failed(failure);
  }

  async #sync(work: () => Promise<void>): Promise<void> {
    if (this.#isUnsafe) throw new FtpxError("IO_FAILED", { reason: "an earlier sync failed" });
    try {
      await work();
    } catch (error) {
      this.#isUnsafe = true;
      throw error;
    }
  }

  async #publish(): Promise<void> {
    try {
      await publish(this.#ground, this.#row, this.path, this.#mayReplace());
      this.#isOver = true;
    } catch (error) {
      this.#isOver = isKind(error, "OUTCOME_UNKNOWN");
      throw error;
    }
  }

  async #drop(): Promise<void> {
    this.#isOver = true;
    const { parts, state } = this.#ground;
    // First the row: where that fails the upload can go on, and a part without one is removed
    // by the next start.
    await state.discard(this.#row.id).catch((error: unknown) => {
      if (!this.#isUnsafe) throw error;
    });
    await parts.remove(this.#row.id);
  }
}
