/**
 * What all uploads and copies of a server may hold together of content that is not written yet:
 * without it, as many sessions as there may be would each hold a session's share. Downloads hold
 * nothing here; what they have in flight is the line's.
 */
import { SERVER_WINDOW_BYTES, WINDOW_BYTES, WINDOW_BYTES_MIN } from "../base/limits.ts";
import type { Direction } from "../transfer/motion.ts";

/** Of what is free, so that who comes later finds some too. */
const SHARE = 1 / 4;

interface Holder {
  readonly motion: { readonly direction: Direction };
  readonly windowBytes: number;
}

export class Windows {
  #givenBytes = 0;

  /** What the next one gets at most; the least is never refused. */
  shareBytes(direction: Direction): number {
    if (direction === "download") return WINDOW_BYTES;
    const freeBytes = SERVER_WINDOW_BYTES - this.#givenBytes;
    return Math.max(WINDOW_BYTES_MIN, Math.min(WINDOW_BYTES, Math.floor(freeBytes * SHARE)));
  }

  take({ motion, windowBytes }: Holder): void {
    if (motion.direction !== "download") this.#givenBytes += windowBytes;
  }

  giveBack({ motion, windowBytes }: Holder): void {
    if (motion.direction !== "download") this.#givenBytes -= windowBytes;
  }
}
