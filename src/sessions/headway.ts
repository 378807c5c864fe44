/**
 * Ends transfers that a client keeps open and does not move: each holds a descriptor, buffers and
 * room of a quota. What counts is the session: while one transfer moves, the others may wait
 * behind it. While it is the server's turn (it writes, reads, opens, commits) nothing is late.
 *
 * That the client takes what is sent to it is not seen here but in wire/link.ts.
 */
import { FtpxError } from "../base/errors.ts";
import { PROGRESS_MS_MAX } from "../base/limits.ts";
import { Patience } from "../base/patience.ts";
import type { Awaited } from "../base/patience.ts";
import type { Transfer } from "./transfers.ts";

export class Headway {
  readonly #patience: Patience;
  #awaited = new Map<Transfer, Awaited>();

  constructor(nowMs = performance.now()) {
    this.#patience = new Patience(nowMs);
  }

  /** So much content came, or was acknowledged; without bytes, something else of use. */
  moved(bytes?: number): void {
    this.#patience.moved(bytes);
  }

  /** To be called every WATCH_EVERY_MS. */
  watch(transfers: Iterable<Transfer>, nowMs: number): void {
    const awaited = new Map<Transfer, Awaited>();
    for (const transfer of transfers) {
      if (transfer.isPeersTurn !== true) continue;
      const since = this.#awaited.get(transfer) ?? { msMax: PROGRESS_MS_MAX, sinceMs: nowMs };
      awaited.set(transfer, since);
      const elapsedMs = this.#patience.lateMs(since, nowMs);
      if (elapsedMs !== undefined) {
        transfer.revoke(new FtpxError("TRANSFER_STALLED", { elapsedMs }));
      }
    }
    this.#awaited = awaited;
  }
}
