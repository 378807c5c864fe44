/**
 * How fast something goes that is counted as it passes: the client's progress and the
 * operator's list of sessions show it. Pure; the time comes in.
 */

/** A rate is an average over the last few seconds, older ones weighing less. */
const RATE_MEMORY_MS = 3000;
const RATE_SAMPLE_MS = 250;

/** Bytes a second, smoothed, of a count that is told from time to time. */
export class Meter {
  #atMs: number;
  #bytes = 0;
  #waiting = 0;
  #rate: number | undefined;

  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  add(bytes: number): void {
    this.#waiting += bytes;
    this.#bytes += bytes;
  }

  /** Bytes that were added in all. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Unknown at first. A line that stands still counts too, so the rate falls. */
  rate(nowMs: number): number | undefined {
    const spanMs = nowMs - this.#atMs;
    if (spanMs < RATE_SAMPLE_MS) return this.#rate;
    const latest = (this.#waiting / spanMs) * 1000;
    const weight = 1 - Math.exp(-spanMs / RATE_MEMORY_MS);
    this.#rate = this.#rate === undefined ? latest : this.#rate + weight * (latest - this.#rate);
    this.#waiting = 0;
    this.#atMs = nowMs;
    return this.#rate;
  }
}
