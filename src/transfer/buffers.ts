/**
 * Buffers of one size that are used again. Fresh memory is dear: the first touch of
 * every page is a fault, and what a socket hands out lives until the collector runs;
 * so received content is copied into these and let go at once.
 *
 * What is in use is what waits for the disk, so here is also known when that is too much.
 */
import { UNWRITTEN_BYTES_MAX } from "../base/limits.ts";

const BUFFER_BYTES = 256 * 1024;
/** In use; above it whoever fills them is to be stopped, until there are a quarter fewer. */
const USED_MAX = UNWRITTEN_BYTES_MAX / BUFFER_BYTES;
const USED_AGAIN = (USED_MAX * 3) / 4;

/** Free buffers that are kept while there is much to do: as many as may be in use. */
const KEPT_MAX = USED_MAX;
/** What stays when there is nothing to do. */
const KEPT_MIN = 64;
const TRIM_EVERY_MS = 10_000;

export class Buffers {
  readonly #kept: Uint8Array[] = [];
  #usedCount = 0;
  #isTrimming = false;
  #room: PromiseWithResolvers<void> | undefined;

  /** Free ones, at this moment. */
  get keptCount(): number {
    return this.#kept.length;
  }

  get usedCount(): number {
    return this.#usedCount;
  }

  /** So many are in use that nobody should be given more to fill; who takes one still gets it. */
  get isScarce(): boolean {
    return this.#usedCount >= USED_MAX;
  }

  /** Resolves when they are not scarce, by a margin. */
  roomy(): Promise<void> {
    if (!this.isScarce) return Promise.resolve();
    this.#room ??= Promise.withResolvers<void>();
    return this.#room.promise;
  }

  take(): Uint8Array {
    this.#usedCount += 1;
    return this.#kept.pop() ?? new Uint8Array(BUFFER_BYTES);
  }

  /** To be called once for each that was taken. The caller must not touch it afterwards. */
  giveBack(buffer: Uint8Array): void {
    this.#usedCount -= 1;
    if (this.#usedCount <= USED_AGAIN) {
      this.#room?.resolve();
      this.#room = undefined;
    }
    if (this.#kept.length >= KEPT_MAX) return;
    this.#kept.push(buffer);
    this.#trimLater();
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
