/**
 * How a receiver comes to the digests of what it receives, and compares them with the sender's.
 *
 * Small files are digested piece by piece as they come. Of large ones each chunk is read back
 * from the file as soon as it is written, by another thread: this one then has its time for
 * sockets and TLS, and what is proved is what the file holds.
 */
import { availableParallelism } from "node:os";
import { isSameBytes } from "../base/bytes.ts";
import { ChunkDigester, chunksOf, createHasher, digestRange } from "../base/digest.ts";
import type { Algorithm } from "../base/digest.ts";
import { failureOf, FtpxError } from "../base/errors.ts";
import type { OpenFile } from "../base/openfile.ts";
import { CHUNK_BYTES, READ_BACK_BYTES_MIN, UNREAD_BYTES_MAX } from "../base/limits.ts";

export interface ProvedChunk {
  readonly index: number;
  readonly digest: Uint8Array;
}

/** Digests chunks of a file somewhere else, which may take its time. */
export interface ChunkReader {
  chunks(
    file: OpenFile,
    algorithm: Algorithm,
    firstChunk: number,
    count: number,
  ): Promise<Uint8Array[]>;
}

export interface ProvingOwner {
  /** A whole chunk is what was sent. */
  proved(chunk: ProvedChunk): void;
  /** Called once, and not for what `prove` throws. */
  failed(failure: FtpxError): void;
  /** More may be received. */
  progressed(): void;
}

export interface ProvingStart {
  readonly file: OpenFile;
  readonly algorithm: Algorithm;
  readonly totalBytes: number;
  /** Chunks before this one are in the file and proved. */
  readonly firstChunk: number;
  /** At the first chunk, or at most one chunk behind its front: what lies between is in the file. */
  readonly fromOffset: number;
}

export interface Proving {
  /** Content up to here may be acknowledged, when it is written. */
  readonly roomOffset: number;
  /** A piece that came behind the last; it is lent. */
  update(piece: Uint8Array): void;
  /** The file holds everything before the offset. */
  written(offset: number): void;
  /** The sender's digest of a whole chunk. @throws FtpxError CHUNK_DAMAGED, BAD_STATE */
  prove(index: number, digest: Uint8Array): void;
  /** All is written. @returns digests of the chunks from the first one on @throws FtpxError */
  finish(): Promise<Uint8Array[]>;
  /**
   * Nothing more comes. What is written is read and compared, so that all of it is kept; the file
   * is not read any more when this resolves. Never throws.
   */
  settle(): Promise<void>;
}

/** Another thread has a core to run on. */
const HAS_CORES = availableParallelism() > 1;

export async function beginProving(
  start: ProvingStart,
  reader: ChunkReader | undefined,
  owner: ProvingOwner,
): Promise<Proving> {
  const isLarge = start.totalBytes - start.fromOffset >= READ_BACK_BYTES_MIN;
  if (reader !== undefined && isLarge && HAS_CORES) return new ProvingBehind(start, reader, owner);
  return await ProvingAtOnce.begin(start, owner);
}

class ProvingAtOnce implements Proving {
  readonly roomOffset = Number.POSITIVE_INFINITY;
  readonly #digester: ChunkDigester;
  readonly #owner: ProvingOwner;
  /** Digested, and waiting for the sender's digest. */
  readonly #unproved: ProvedChunk[];

  private constructor(digester: ChunkDigester, unproved: ProvedChunk[], owner: ProvingOwner) {
    this.#digester = digester;
    this.#unproved = unproved;
    this.#owner = owner;
  }

  static async begin(
    { file, algorithm, firstChunk, fromOffset }: ProvingStart,
    owner: ProvingOwner,
  ): Promise<ProvingAtOnce> {
    const unproved: ProvedChunk[] = [];
    const hasher = await createHasher(algorithm);
    const digester = new ChunkDigester(hasher, firstChunk, (index, digest) =>
      unproved.push({ index, digest }),
    );
    await digestRange(digester, file, firstChunk * CHUNK_BYTES, fromOffset);
    return new ProvingAtOnce(digester, unproved, owner);
  }

  update(piece: Uint8Array): void {
    this.#digester.update(piece);
  }

  written(): void {}

  prove(index: number, digest: Uint8Array): void {
    const chunk = this.#unproved.shift();
    if (chunk === undefined || chunk.index !== index) throw untimely();
    if (!isSameBytes(chunk.digest, digest)) throw damaged(index);
    this.#owner.proved(chunk);
  }

  finish(): Promise<Uint8Array[]> {
    return Promise.resolve(this.#digester.finish());
  }

  settle(): Promise<void> {
    return Promise.resolve();
  }
}

export class ProvingBehind implements Proving {
  readonly #start: ProvingStart;
  readonly #reader: ChunkReader;
  readonly #owner: ProvingOwner;
  /** Of the chunks from the first one on, as far as they were read. */
  readonly #digests: Uint8Array[] = [];
  /** The sender's of the same chunks, as far as they came. */
  readonly #sent: Uint8Array[] = [];
  #provedCount = 0;
  #acceptedOffset: number;
  #writtenOffset: number;
  #reading: Promise<void> | undefined;
  #failure: FtpxError | undefined;

  constructor(start: ProvingStart, reader: ChunkReader, owner: ProvingOwner) {
    this.#start = start;
    this.#reader = reader;
    this.#owner = owner;
    this.#acceptedOffset = start.fromOffset;
    this.#writtenOffset = start.fromOffset;
    this.written(start.fromOffset);
  }

  /** A reader that falls behind holds the sender up, or the disk would have to be read for it. */
  get roomOffset(): number {
    return (this.#start.firstChunk + this.#digests.length) * CHUNK_BYTES + UNREAD_BYTES_MAX;
  }

  update(piece: Uint8Array): void {
    this.#acceptedOffset += piece.byteLength;
  }

  written(offset: number): void {
    this.#writtenOffset = offset;
    if (this.#unreadCount <= 0) return;
    this.#reading ??= this.#readAll().finally(() => (this.#reading = undefined));
  }

  prove(index: number, digest: Uint8Array): void {
    const isNext = index === this.#start.firstChunk + this.#sent.length;
    if (!isNext || (index + 1) * CHUNK_BYTES > this.#acceptedOffset) throw untimely();
    this.#sent.push(digest);
    if (index - this.#start.firstChunk < this.#digests.length) this.#compare();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async finish(): Promise<Uint8Array[]> {
    await this.settle();
    if (this.#failure !== undefined) throw this.#failure;
    return this.#digests;
  }

  async settle(): Promise<void> {
    while (this.#reading !== undefined) await this.#reading;
  }

  /** Chunks that are written and were not read; a cut one only when it is the last. */
  get #unreadCount(): number {
    const { firstChunk, totalBytes } = this.#start;
    const isWhole = this.#writtenOffset === totalBytes;
    const written = isWhole ? chunksOf(totalBytes) : Math.floor(this.#writtenOffset / CHUNK_BYTES);
    return written - firstChunk - this.#digests.length;
  }

  async #readAll(): Promise<void> {
    while (this.#unreadCount > 0 && this.#failure === undefined) {
      const failure = await this.#read(this.#unreadCount).catch(failureOf);
      // Who was told of a proof has heard of it.
      if (this.#failure === undefined) this.#tell(failure);
    }
  }

  #tell(failure: FtpxError | undefined): void {
    this.#failure = failure;
    this.#compare();
    if (this.#failure === undefined) this.#owner.progressed();
    else this.#owner.failed(this.#failure);
  }

  /** @returns what is wrong @throws FtpxError IO_FAILED */
  async #read(count: number): Promise<FtpxError | undefined> {
    const { file, algorithm, firstChunk } = this.#start;
    const first = firstChunk + this.#digests.length;
    const found = await this.#reader.chunks(file, algorithm, first, count);
    this.#digests.push(...found);
    // Somebody else has cut the file.
    return found.length < count ? damaged(first + found.length) : undefined;
  }

  #compare(): void {
    const { firstChunk } = this.#start;
    while (this.#provedCount < this.#sent.length && this.#failure === undefined) {
      const digest = this.#digests[this.#provedCount];
      const sent = this.#sent[this.#provedCount];
      if (digest === undefined || sent === undefined) return;
      const index = firstChunk + this.#provedCount;
      if (isSameBytes(digest, sent)) this.#owner.proved({ index, digest });
      else this.#failure = damaged(index);
      this.#provedCount += 1;
    }
  }
}

function untimely(): FtpxError {
  return new FtpxError("BAD_STATE", { reason: "proof of a chunk that did not come" });
}

function damaged(index: number): FtpxError {
  return new FtpxError("CHUNK_DAMAGED", { offset: index * CHUNK_BYTES });
}
