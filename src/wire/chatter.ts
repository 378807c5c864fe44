/**
 * How much a peer may say that means nothing: pings, content of a few bytes, acknowledgements of
 * as little, requests that break the protocol. Each costs about as much to read as one that
 * carries something, so a peer that sends nothing else is a loop, or an attack.
 *
 * A budget: an empty frame takes one from it, a useful one gives one back, and so does each
 * hundredth of a second. A client that works never meets its end. Nothing is counted for a peer
 * that sends no empty frames, so the hot path does not know of it.
 */
import { FtpxError } from "../base/errors.ts";
import { EMPTY_FRAMES_MAX, EMPTY_FRAMES_PER_SECOND } from "../base/limits.ts";

export class Chatter {
  #leftCount = EMPTY_FRAMES_MAX;
  /** Until here the time was counted in. */
  #countedMs: number;

  constructor(nowMs: number) {
    this.#countedMs = nowMs;
  }

  useful(): void {
    this.#leftCount = Math.min(EMPTY_FRAMES_MAX, this.#leftCount + 1);
  }

  /** @throws FtpxError EMPTY_FRAMES */
  empty(nowMs: number): void {
    const earnedCount = ((nowMs - this.#countedMs) / 1000) * EMPTY_FRAMES_PER_SECOND;
    this.#countedMs = nowMs;
    this.#leftCount = Math.min(EMPTY_FRAMES_MAX, this.#leftCount + earnedCount) - 1;
    if (this.#leftCount < 0) throw new FtpxError("EMPTY_FRAMES");
  }
}
