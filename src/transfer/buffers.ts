/**
 * Buffers that are used again. Fresh memory is dear: the first touch of every page is a
 * fault; so received content is copied into these, and what the socket handed out is given
 * back as soon as it has been read.
 *
 * What is in use is what waits for the disk, so here is also known when that is too much.
 */
import { UNWRITTEN_BYTES_MAX } from "../base/limits.ts";

const BUFFER_BYTES = 256 * 1024;
/** Up to here the end of a file, or a small one, has a buffer of its size, which is not kept. */
const SMALL_BYTES_MAX = 64 * 1024;

/** There is room again when a quarter of what may wait has been written. */
const ROOMY_BYTES = (UNWRITTEN_BYTES_MAX * 3) / 4;

/** Free buffers that are kept while there is much to do: as many as may be in use. */
const KEPT_MAX = UNWRITTEN_BYTES_MAX / BUFFER_BYTES;
/** What stays when there is nothing to do. */
const KEPT_MIN = 64;
const TRIM_EVERY_MS = 10_000;

export class Buffers {
  readonly #kept: Uint8Array[] = [];
  #usedBytes = 0;
  #isTrimming = false;
  #room: PromiseWithResolvers<void> | undefined;

  /** Free ones, at this moment. */
  get keptCount(): number {
    return this.#kept.length;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  /** So much is in use that nobody should be given more to fill; who takes some still gets it. */
  get isScarce(): boolean {
    return this.#usedBytes >= UNWRITTEN_BYTES_MAX;
  }

  /** Resolves when they are not scarce, by a margin. */
  roomy(): Promise<void> {
    if (!this.isScarce) return Promise.resolve();
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  /** @param bytes that are still to come: no larger than they need, and no smaller than 1 */
  take(bytes: number): Uint8Array {
    const buffer =
      bytes <= SMALL_BYTES_MAX
        ? new Uint8Array(bytes)
        : (this.#kept.pop() ?? new Uint8Array(BUFFER_BYTES));
    this.occupy(buffer.byteLength);
    return buffer;
  }

  /** To be called once for each that was taken. The caller must not touch it afterwards. */
  giveBack(buffer: Uint8Array): void {
    this.vacate(buffer.byteLength);
    if (buffer.byteLength < BUFFER_BYTES || this.#kept.length >= KEPT_MAX) return;
    this.#kept.push(buffer);
    this.#trimLater();
  }

  /** Counts what waits for the disk elsewhere. */
  occupy(bytes: number): void {
    this.#usedBytes += bytes;
  }

  vacate(bytes: number): void {
    this.#usedBytes -= bytes;
    if (this.#usedBytes > ROOMY_BYTES) return;
    this.#room?.resolve();
    this.#room = undefined;
  }

  /** Half of what nobody needs at that moment goes, again and again. */
  #trimLater(): void {
    if (this.#isTrimming || this.#kept.length <= KEPT_MIN) return;
    this.#isTrimming = true;
    const trim = () => {
      this.#isTrimming = false;
      this.#kept.splice(Math.max(KEPT_MIN, this.#kept.length >> 1));
      this.#trimLater();
    };
    setTimeout(trim, TRIM_EVERY_MS).unref();
  }
}

/** Of this process: every transfer takes from it. */
export const BUFFERS = new Buffers();
