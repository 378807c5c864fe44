/**
 * Least progress, the one rule by which both ends give up a peer that is there, answers pings
 * and does nothing else: what it is to do is late when less than PROGRESS_BYTES_MIN came of it
 * within its bound. The time counts from when something of use came last, over the whole
 * connection: on a slow line an answer waits behind content, and one transfer behind the others.
 *
 * Pure; the clock comes in. What is late, and what becomes of it, is said by the owner:
 * client/client.ts of the server, sessions/headway.ts of a client, wire/link.ts of bytes.
 */
import { PROGRESS_BYTES_MIN } from "./limits.ts";

/** What may be late. */
export interface Awaited {
  readonly msMax: number;
  /** Since when; nothing while it is this side's turn. */
  sinceMs: number | undefined;
}

export class Patience {
  #usefulMs: number;
  #usefulBytes = 0;

  constructor(nowMs = performance.now()) {
    this.#usefulMs = nowMs;
  }

  /** An answer, or so much content one way or the other. */
  moved(bytes = PROGRESS_BYTES_MIN, nowMs = performance.now()): void {
    this.#usefulBytes += bytes;
    if (this.#usefulBytes < PROGRESS_BYTES_MIN) return;
    this.#usefulBytes = 0;
    this.#usefulMs = nowMs;
  }

  /** How long it is overdue altogether; nothing when it is not. */
  lateMs({ msMax, sinceMs }: Awaited, nowMs: number): number | undefined {
    if (sinceMs === undefined) return undefined;
    const waitedMs = nowMs - Math.max(sinceMs, this.#usefulMs);
    return waitedMs > msMax ? Math.round(waitedMs) : undefined;
  }
}
