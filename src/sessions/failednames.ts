/**
 * Failed sign-ins in a row by name, whatever their source: against many sources that guess at one
 * account, each of them slowly.
 *
 * A name is delayed when another source fails than the one before, longer with each such turn: one
 * source alone is slowed by its penalty (penalties.ts), and does not keep the owner out elsewhere.
 * After NAME_FAILURES_MAX the name is guarded. Names without account are counted alike. When there
 * are too many, the one with the fewest failures is forgotten: to make a name forgotten costs as
 * many failures of each of FAILED_NAMES_MAX others. Who is a stranger, the caller knows.
 */
import {
  FAILED_NAMES_MAX,
  NAME_DELAY_MS,
  NAME_DELAY_MS_MAX,
  NAME_FAILURES_MAX,
  NAME_GUARDED_MS,
  USER_BYTES_MAX,
} from "../base/limits.ts";
import { Ranking } from "./ranking.ts";

interface Row {
  readonly failures: number;
  /** How often another source failed than the one before. */
  readonly turns: number;
  readonly source: string;
  readonly failedMs: number;
}

export class FailedNames {
  readonly #namesMax: number;
  readonly #rows = new Ranking<Row>(({ failures }) => failures);

  constructor(namesMax = FAILED_NAMES_MAX) {
    this.#namesMax = namesMax;
  }

  get size(): number {
    return this.#rows.size;
  }

  /**
   * @param isShared many people stand behind the source, so each failure is a turn
   * @returns whether the name is guarded since this failure
   */
  add(user: string, source: string, nowMs: number, isShared = false): boolean {
    const name = keyOf(user);
    const before = this.#current(name, nowMs);
    const isTurn = before !== undefined && (isShared || before.source !== source);
    const failures = Math.min((before?.failures ?? 0) + 1, NAME_FAILURES_MAX);
    const turns = (before?.turns ?? 0) + (isTurn ? 1 : 0);
    this.#rows.delete(name);
    if (this.#rows.size >= this.#namesMax) this.#rows.forgetLowest();
    this.#rows.set(name, { failures, turns, source, failedMs: nowMs });
    return failures === NAME_FAILURES_MAX && before?.failures === NAME_FAILURES_MAX - 1;
  }

  /** How long a stranger's password is not looked at, if at most so long; 0 when it is. */
  remainingMs(user: string, nowMs: number, msMax = Number.POSITIVE_INFINITY): number {
    const row = this.#current(keyOf(user), nowMs);
    if (row === undefined) return 0;
    return Math.max(0, row.failedMs + Math.min(delayMsOf(row), msMax) - nowMs);
  }

  guardedCount(nowMs: number): number {
    const names = this.#rows.namesAt(NAME_FAILURES_MAX);
    return [...names].filter((name) => this.#current(name, nowMs) !== undefined).length;
  }

  /** The row is broken: somebody has proved to be the owner, or the operator has acted. */
  forget(user: string): void {
    this.#rows.delete(keyOf(user));
  }

  /** A row to which nothing was added for so long is over. */
  #current(name: string, nowMs: number): Row | undefined {
    const row = this.#rows.find(name);
    if (row === undefined || nowMs - row.failedMs < NAME_GUARDED_MS) return row;
    this.#rows.delete(name);
    return undefined;
  }
}

/** What no account can be called is counted as one, or it would be kept in any length. */
function keyOf(user: string): string {
  return user.length <= USER_BYTES_MAX ? user : "";
}

function delayMsOf({ failures, turns }: Row): number {
  if (failures === NAME_FAILURES_MAX) return NAME_GUARDED_MS;
  return turns === 0 ? 0 : Math.min(NAME_DELAY_MS_MAX, NAME_DELAY_MS * 2 ** (turns - 1));
}
