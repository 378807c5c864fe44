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
import { failureOf, FtpxError } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";
import { ACK_EVERY_BYTES, CHUNK_BYTES, CONTENT_BYTES_MAX } from "../base/limits.ts";
import { BUFFERS } from "./buffers.ts";

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

/** More in one write are fewer trips to the thread pool, and a longer wait for the first. */
const BUFFERS_PER_WRITE = 4;

export class Receiver {
  readonly #file: OpenFile;
  readonly #totalBytes: number;
  readonly #windowBytes: number;
  readonly #digester: ChunkDigester;
  readonly #owner: ReceiverOwner;
  readonly #acknowledgeEveryBytes: number;
  #acceptedOffset: number;
  #writtenOffset: number;
  #acknowledgedOffset: number;
  /** Accepted and not yet written: buffers in use, all full but the last. */
  #pending: Uint8Array[] = [];
  /** Bytes of the last pending buffer that are in use. */
  #lastBytes = 0;
  #writing: Promise<void> | undefined;
  #failure: FtpxError | undefined;
  /** Where the first chunk begins that is not what was sent. */
  #damagedOffset: number | undefined;
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
    // A sender waits when a whole frame does not fit; by then it must have been answered.
    const roomBytes = Math.max(1, start.windowBytes - CONTENT_BYTES_MAX);
    this.#acknowledgeEveryBytes = Math.min(ACK_EVERY_BYTES, roomBytes);
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

  /** What came in is still on its way to the disk. */
  get isWriting(): boolean {
    return this.#writing !== undefined;
  }

  /**
   * Takes a piece, which is lent until this returns.
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
    // With nothing to write, a write would end before it is known to be under way.
    if (piece.byteLength === 0) return;
    this.#acceptedOffset += piece.byteLength;
    this.#digester.update(piece);
    this.#keep(piece);
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
      this.#damagedOffset ??= index * CHUNK_BYTES;
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

  /**
   * Waits until no write is under way; never throws. The file may be closed afterwards. It
   * ends before a chunk that was damaged, or the next attempt would go on behind the damage.
   */
  async settle(): Promise<void> {
    while (this.#writing !== undefined) await this.#writing;
    if (this.#damagedOffset === undefined) return;
    // Where that fails, the next attempt finds the same damage.
    await this.#file.truncate(this.#damagedOffset).catch(() => {});
  }

  /** Takes nothing more and drops what waits to be written. */
  stop(failure: FtpxError): void {
    this.#failure ??= failure;
    for (const buffer of this.#pending.splice(0)) BUFFERS.giveBack(buffer);
  }

  #keep(piece: Uint8Array): void {
    let rest = piece;
    while (rest.byteLength > 0) {
      let last = this.#pending.at(-1);
      if (last === undefined || this.#lastBytes === last.byteLength) {
        last = BUFFERS.take(this.#totalBytes - this.#acceptedOffset + rest.byteLength);
        this.#pending.push(last);
        this.#lastBytes = 0;
      }
      const taken = rest.subarray(0, last.byteLength - this.#lastBytes);
      last.set(taken, this.#lastBytes);
      this.#lastBytes += taken.byteLength;
      rest = rest.subarray(taken.byteLength);
    }
  }

  async #write(): Promise<void> {
    try {
      while (this.#pending.length > 0) {
        const buffers = this.#pending.splice(0, BUFFERS_PER_WRITE);
        const pieces = this.#pending.length > 0 ? buffers : this.#cutLast(buffers);
        try {
          await this.#file.write(pieces, this.#writtenOffset);
        } finally {
          for (const buffer of buffers) BUFFERS.giveBack(buffer);
        }
        for (const piece of pieces) this.#writtenOffset += piece.byteLength;
        this.#afterWrite();
      }
    } catch (error) {
      const failure = failureOf(error);
      this.stop(failure);
      this.#owner.failed(failure);
    } finally {
      this.#writing = undefined;
    }
  }

  /** The last buffer is written as far as it is filled; what comes next begins another one. */
  #cutLast(buffers: readonly Uint8Array[]): Uint8Array[] {
    const last = buffers.at(-1);
    if (last === undefined) return [];
    return [...buffers.slice(0, -1), last.subarray(0, this.#lastBytes)];
  }

  #afterWrite(): void {
    if (this.#failure !== undefined) return;
    const isDue = this.#writtenOffset - this.#acknowledgedOffset >= this.#acknowledgeEveryBytes;
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
