/**
 * What has happened since the server started, in numbers that only grow. One place for all
 * doors; what there is at a moment is counted when somebody asks.
 */
import type { ErrorKind } from "../base/errors.ts";
import type { ServerEvent } from "../base/events.ts";
import type { Direction, Motion, Outcome } from "../transfer/motion.ts";

export class Counters {
  /** Content of files, as it passes. */
  receivedBytes = 0;
  sentBytes = 0;
  /** Connections that found no room. */
  refusedSessions = 0;
  signIns = 0;
  refusedSignIns = 0;
  quotaRefusals = 0;
  readonly #transfers = new Map<Direction, Map<Outcome, number>>();
  readonly #errors = new Map<ErrorKind, number>();

  /** What clients were refused with, by kind. */
  get errors(): ReadonlyMap<ErrorKind, number> {
    return this.#errors;
  }

  ended({ direction, outcome }: Pick<Motion, "direction" | "outcome">): void {
    const outcomes = this.#transfers.get(direction) ?? new Map<Outcome, number>();
    this.#transfers.set(direction, outcomes);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
  }

  transfers(direction: Direction, outcome: Outcome): number {
    return this.#transfers.get(direction)?.get(outcome) ?? 0;
  }

  refused(kind: ErrorKind): void {
    this.#errors.set(kind, (this.#errors.get(kind) ?? 0) + 1);
    if (kind === "QUOTA_EXCEEDED" || kind === "FILES_EXCEEDED") this.quotaRefusals += 1;
  }

  /** Sign-ins of every kind are told as events. */
  heard({ event }: ServerEvent): void {
    if (event === "login") this.signIns += 1;
    else if (event === "login-failed") this.refusedSignIns += 1;
  }
}
