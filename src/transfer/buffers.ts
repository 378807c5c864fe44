/**
 * Buffers of one size that are used again. Fresh memory is dear: the first touch of
 * every page is a fault, and what a socket hands out lives until the collector runs;
 * so received content is copied into these and let go at once.
 */
const BUFFER_BYTES = 256 * 1024;

/** Free buffers that are kept while there is much to do; more are left to the collector. */
const KEPT_MAX = 256;
/** What stays when there is nothing to do. */
const KEPT_MIN = 64;
const TRIM_EVERY_MS = 10_000;

export class Buffers {
  readonly #kept: Uint8Array[] = [];
  #isTrimming = false;

  /** Free ones, at this moment. */
  get keptCount(): number {
    return this.#kept.length;
  }

  take(): Uint8Array {
    return this.#kept.pop() ?? new Uint8Array(BUFFER_BYTES);
  }

  /** The caller must not touch it afterwards. */
  giveBack(buffer: Uint8Array): void {
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
