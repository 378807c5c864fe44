/** A rate limit that several transfers share: a bucket that holds a quarter of a second. */
const BUCKET_MS = 250;

export class Pace {
  readonly #bytesPerMs: number;
  /** When the bytes that were let through so far will have been due. */
  #dueMs = 0;

  constructor(bytesPerSecond: number) {
    this.#bytesPerMs = bytesPerSecond / 1000;
  }

  /** Waits until so many more bytes are due. */
  async wait(bytes: number): Promise<void> {
    const nowMs = performance.now();
    this.#dueMs = Math.max(this.#dueMs, nowMs - BUCKET_MS) + bytes / this.#bytesPerMs;
    if (this.#dueMs > nowMs) await Bun.sleep(this.#dueMs - nowMs);
  }
}
