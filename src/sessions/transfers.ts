/**
 * The transfers that one session has open, each until it has ended, once: what all of them may
 * have in flight together, and which of them stand still (headway.ts). What still comes for one
 * that is over is told from what comes for none (trailing.ts).
 */
import type { Grant } from "../accounts/grants.ts";
import { FtpxError } from "../base/errors.ts";
import {
  SESSION_WINDOW_BYTES,
  TRANSFERS_MAX,
  WINDOW_BYTES,
  WINDOW_BYTES_MIN,
} from "../base/limits.ts";
import type { Motion } from "../transfer/motion.ts";
import { Headway } from "./headway.ts";
import type { Session } from "./session.ts";
import { Trailing } from "./trailing.ts";

/** A file on its way, in either direction; its id is the request's that opened it. */
export interface Transfer {
  readonly motion: Motion;
  readonly windowBytes: number;
  content?(offset: number, piece: Uint8Array): void;
  prove?(index: number, digest: Uint8Array): void;
  /** By how many bytes it went on with that. */
  acknowledge?(offset: number): number;
  /** Of what was sent. */
  readonly unacknowledgedBytes?: number;
  /** It goes on when the peer does something, and not before. */
  readonly isPeersTurn?: boolean;
  /** Without any of these it may not go on. */
  readonly needs: readonly Grant[];
  /** A right is gone, it stands still, or the operator wants it so: the peer is told, and it ends. */
  revoke(failure: FtpxError): void;
  /** Called once, by the session, whatever ended it. */
  end(failure: FtpxError): Promise<void>;
}

export class Transfers {
  readonly #session: Pick<Session, "registry" | "emit" | "line">;
  readonly #open = new Map<number, Transfer>();
  /** Made with the first of them. */
  #headway: Headway | undefined;
  #trailing: Trailing | undefined;

  constructor(session: Pick<Session, "registry" | "emit" | "line">) {
    this.#session = session;
  }

  /** By the id of each. */
  get open(): ReadonlyMap<number, Transfer> {
    return this.#open;
  }

  /** @throws FtpxError TOO_MANY_TRANSFERS, SERVER_STOPPING */
  add(id: number, transfer: Transfer): void {
    if (this.#session.registry.isDraining) throw new FtpxError("SERVER_STOPPING");
    if (this.#open.size >= TRANSFERS_MAX) {
      throw new FtpxError("TOO_MANY_TRANSFERS", { limit: TRANSFERS_MAX });
    }
    if (this.#open.size === 0) this.#headway = new Headway();
    this.#open.set(id, transfer);
  }

  /** What the next one may have in flight, out of what all share, and no more than it will need. */
  nextWindowBytes(totalBytes = Infinity): number {
    let freeBytes = SESSION_WINDOW_BYTES;
    for (const { windowBytes } of this.#open.values()) freeBytes -= windowBytes;
    return Math.max(WINDOW_BYTES_MIN, Math.min(WINDOW_BYTES, freeBytes, totalBytes));
  }

  /** So much content came, or was acknowledged; without bytes, another step of a transfer. */
  moved(bytes?: number): void {
    this.#headway?.moved(bytes);
  }

  /** An acknowledgement of one that is over: by how many bytes it would have gone on. */
  acknowledgeLate(id: number, offset: number): number {
    return this.#trailing?.acknowledge(id, offset) ?? 0;
  }

  /** To be called every WATCH_EVERY_MS: ends those that stand still. */
  watch(nowMs: number): void {
    if (this.#open.size === 0) return;
    // Looked at every second, a rate is of the last few, whenever somebody asks for it.
    for (const { motion } of this.#open.values()) motion.rate(nowMs);
    // What it had left of its time before is not counted either.
    if (this.#session.line.isHeld) this.#headway = new Headway(nowMs);
    else this.#headway?.watch(this.#open.values(), nowMs);
  }

  /** Other rights hold from here on: what may not go on is revoked. */
  refresh(may: (grant: Grant) => boolean): void {
    for (const transfer of this.#open.values()) {
      const right = transfer.needs.find((grant) => !may(grant));
      if (right !== undefined) transfer.revoke(new FtpxError("FORBIDDEN", { right }));
    }
  }

  /** It is over, as its motion says. */
  forget(id: number): void {
    const transfer = this.#take(id);
    if (transfer !== undefined) this.#session.registry.counters.ended(transfer.motion);
  }

  /** Ends one and forgets it; never throws, because often nobody waits for it. */
  async end(id: number, failure: FtpxError): Promise<void> {
    const transfer = this.#take(id);
    if (transfer === undefined) return;
    try {
      await transfer.end(failure);
    } catch (error) {
      this.#session.emit("fault", { work: "transfer", reason: String(error) });
    }
    // Not before: a commit that has begun is carried through, and may be done yet.
    this.#session.registry.counters.ended(transfer.motion);
  }

  async endAll(failure: FtpxError): Promise<void> {
    await Promise.all([...this.#open.keys()].map((id) => this.end(id, failure)));
  }

  #take(id: number): Transfer | undefined {
    const transfer = this.#open.get(id);
    this.#open.delete(id);
    if (transfer?.acknowledge !== undefined) {
      this.#trailing ??= new Trailing();
      this.#trailing.keep(id, transfer);
    }
    return transfer;
  }
}
