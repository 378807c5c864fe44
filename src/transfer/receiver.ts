/**
 * The receiving end of one transfer, on the server and on the client alike: content
 * in, digested, written, proved chunk by chunk.
 *
 * Content is accepted at the next offset only, and never beyond the declared size.
 * It is digested at once and written behind, several pieces in one write, so that
 * the window, which is acknowledged as writes end, bounds what is held. A chunk
 * counts as received when it is written and its digest was found equal to the
 * sender's; only such chunks are reported to whoever keeps the journal.
 */
import { isSameBytes } from "../base/bytes.ts";
import { ChunkDigester, createHasher, digestRange } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { FtpxError } from "../base/errors.ts";
import type { OpenFile } from "../base/files.ts";
import { ACK_EVERY_BYTES, CHUNK_BYTES, WRITE_BYTES_MAX } from "../base/limits.ts";

export interface ReceiverOwner {
  /** Everything before `offset` has been dealt with; the sender may go on. */
  acknowledge(offset: number): void;
  /** Whole chunks, in order, written (not yet synced) and proved. */
  received(chunks: readonly ProvedChunk[]): void;
  /** A write failed: nothing more is accepted. Called once. */
  failed(failure: FtpxError): void;
}

export interface ProvedChunk {
  readonly index: number;
  readonly digest: Uint8Array;
}

export interface ReceiverStart {
  readonly file: OpenFile;
  readonly algorithm: Algorithm;
  readonly totalBytes: number;
  /** Chunks before this one are in the file and proved. */
  readonly firstChunk: number;
  /**
   * Where to go on: at the first chunk, or at most one chunk behind its front. What lies
   * between is in the file but not proved; it is read back, and proved as if it had
   * just come.
   */
  readonly fromOffset: number;
  /** What the sender may have in flight. */
  readonly windowBytes: number;
}

/** Pieces of one write: below Linux's IOV_MAX of 1024. */
const PIECES_MAX = 512;

export class Receiver {
  readonly #file: OpenFile;
  readonly #totalBytes: number;
  readonly #windowBytes: number;
  readonly #digester: ChunkDigester;
  readonly #owner: ReceiverOwner;
  #acceptedOffset: number;
  #writtenOffset: number;
  #acknowledgedOffset: number;
  #pending: Uint8Array[] = [];
  #writing: Promise<void> | undefined;
  #failure: FtpxError | undefined;
  /** Digested, and waiting for the sender's digest. */
  readonly #unproved: ProvedChunk[];
  /** Proved, and waiting to be written. */
  readonly #unwritten: ProvedChunk[] = [];

  private constructor(
    start: ReceiverStart,
    digester: ChunkDigester,
    unproved: ProvedChunk[],
    owner: ReceiverOwner,
  ) {
    this.#unproved = unproved;
    this.#file = start.file;
    this.#totalBytes = start.totalBytes;
    this.#windowBytes = start.windowBytes;
    this.#digester = digester;
    this.#owner = owner;
    this.#acceptedOffset = start.fromOffset;
    this.#writtenOffset = this.#acceptedOffset;
    this.#acknowledgedOffset = this.#acceptedOffset;
  }

  static async create(start: ReceiverStart, owner: ReceiverOwner): Promise<Receiver> {
    const unproved: ProvedChunk[] = [];
    const hasher = await createHasher(start.algorithm);
    const digester = new ChunkDigester(hasher, start.firstChunk, (index, digest) =>
      unproved.push({ index, digest }),
    );
    await digestRange(digester, start.file, start.firstChunk * CHUNK_BYTES, start.fromOffset);
    return new Receiver(start, digester, unproved, owner);
  }

  /** Content up to here has come in. */
  get acceptedOffset(): number {
    return this.#acceptedOffset;
  }

  /**
   * Takes a piece, which is given until its write has ended.
   *
   * @throws FtpxError WRONG_OFFSET, SIZE_MISMATCH, WINDOW_EXCEEDED
   */
  accept(offset: number, piece: Uint8Array): void {
    if (this.#failure !== undefined) return;
    if (offset !== this.#acceptedOffset) {
      throw new FtpxError("WRONG_OFFSET", { offset, expectedOffset: this.#acceptedOffset });
    }
    if (offset + piece.byteLength > this.#totalBytes) {
      const bytes = offset + piece.byteLength;
      throw new FtpxError("SIZE_MISMATCH", { expectedBytes: this.#totalBytes, bytes });
    }
    if (offset + piece.byteLength - this.#acknowledgedOffset > this.#windowBytes) {
      throw new FtpxError("WINDOW_EXCEEDED");
    }
    this.#acceptedOffset += piece.byteLength;
    this.#digester.update(piece);
    this.#pending.push(piece);
    this.#writing ??= this.#write();
  }

  /**
   * Compares the sender's digest of a whole chunk with what came in.
   *
   * @throws FtpxError CHUNK_DAMAGED with the offset from which to send again; BAD_STATE
   */
  prove(index: number, digest: Uint8Array): void {
    if (this.#failure !== undefined) return;
    const chunk = this.#unproved.shift();
    if (chunk === undefined || chunk.index !== index) {
      throw new FtpxError("BAD_STATE", { reason: "proof of a chunk that did not come" });
    }
    if (!isSameBytes(chunk.digest, digest)) {
      throw new FtpxError("CHUNK_DAMAGED", { offset: index * CHUNK_BYTES });
    }
    this.#unwritten.push(chunk);
    this.#report();
  }

  /**
   * Waits for the last write. Nothing may be accepted afterwards.
   *
   * @returns digests of the chunks from the first one on
   * @throws FtpxError SIZE_MISMATCH, and what a write threw
   */
  async finish(): Promise<Uint8Array[]> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#acceptedOffset !== this.#totalBytes) {
      const bytes = this.#acceptedOffset;
      throw new FtpxError("SIZE_MISMATCH", { expectedBytes: this.#totalBytes, bytes });
    }
    return this.#digester.finish();
  }

  /** Waits until no write is under way; never throws. The file may be closed afterwards. */
  async settle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
  }

  /** Takes nothing more and drops what waits to be written. */
  stop(failure: FtpxError): void {
    this.#failure ??= failure;
    this.#pending = [];
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const { pieces, bytes } = this.#takePending();
        await this.#file.write(pieces, this.#writtenOffset);
        this.#writtenOffset += bytes;
        this.#afterWrite();
      }
    } catch (error) {
      const failure =
        error instanceof FtpxError ? error : new FtpxError("INTERNAL", {}, { cause: error });
      this.stop(failure);
      this.#owner.failed(failure);
    } finally {
      this.#writing = undefined;
    }
  }

  #takePending(): { pieces: Uint8Array[]; bytes: number } {
    let count = 0;
    let bytes = 0;
    for (const piece of this.#pending) {
      if (count > 0 && (count === PIECES_MAX || bytes + piece.byteLength > WRITE_BYTES_MAX)) break;
      count += 1;
      bytes += piece.byteLength;
    }
    return { pieces: this.#pending.splice(0, count), bytes };
  }

  #afterWrite(): void {
    if (this.#failure !== undefined) return;
    const dueBytes = Math.min(ACK_EVERY_BYTES, this.#windowBytes / 2);
    const isDue = this.#writtenOffset - this.#acknowledgedOffset >= dueBytes;
    if (isDue || this.#writtenOffset === this.#totalBytes) {
      this.#acknowledgedOffset = this.#writtenOffset;
      this.#owner.acknowledge(this.#writtenOffset);
    }
    this.#report();
  }

  #report(): void {
    const written = Math.floor(this.#writtenOffset / CHUNK_BYTES);
    const count = this.#unwritten.findIndex(({ index }) => index >= written);
    const chunks = this.#unwritten.splice(0, count < 0 ? this.#unwritten.length : count);
    if (chunks.length > 0) this.#owner.received(chunks);
  }
}
