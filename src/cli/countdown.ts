/**
 * A lost connection that is made again: why, and in how many seconds. On a terminal a
 * live line that counts down, otherwise one line on stderr.
 *
 * Several transfers lose one connection at the same time and each of them says so; the
 * person hears it once.
 */
import { isKind } from "../base/errors.ts";
import type { Retry } from "../client/remote.ts";
import { isLost, NO_PLACE } from "../client/retries.ts";
import { formatDuration } from "../base/units.ts";
import { shortenBefore } from "./layout.ts";
import { isScreen, repaint, showLive, writeNote } from "./terminal.ts";
import { describe } from "./trouble.ts";

const TICK_MS = 200;

/** Whoever hears these had no connection that could have been lost. */
const NEVER_THERE = [...NO_PLACE, "UNREACHABLE"] as const;

export class Countdown {
  #retry: Retry | undefined;
  #dueMs = 0;
  #waitingCount = 0;
  /** Since when there is no connection that was there. */
  #lostMs: number | undefined;
  #end: (() => void) | undefined;

  /** To be told of each retry; see Remote.onRetry. */
  readonly show = (retry: Retry): void => {
    const nowMs = performance.now();
    const isSaid = nowMs < this.#dueMs && this.#retry?.attempt === retry.attempt;
    this.#retry = retry;
    if (isLost(retry.reason) && !isKind(retry.reason, ...NEVER_THERE)) this.#lostMs ??= nowMs;
    this.#dueMs = Math.max(isSaid ? this.#dueMs : 0, nowMs + retry.pauseMs);
    if (isScreen(process.stderr)) this.#end ??= this.#begin();
    else if (!isSaid) writeNote(retryLine(retry, retry.pauseMs));
    void this.#follow(retry);
  };

  /** It is there again; what was painted meanwhile is gone, and one line tells of it. */
  readonly back = (): void => {
    this.stop();
    if (this.#lostMs === undefined) return;
    const awayMs = Math.max(100, performance.now() - this.#lostMs);
    this.#lostMs = undefined;
    if (!isScreen(process.stderr)) return;
    writeNote(`connection lost; back after ${formatDuration(Math.round(awayMs / 100) * 100)}`);
  };

  /** Nothing waits any more. */
  readonly stop = (): void => {
    this.#end?.();
    this.#end = undefined;
  };

  /** The connection may be back before it is due. */
  async #follow({ over }: Retry): Promise<void> {
    this.#waitingCount += 1;
    await over;
    this.#waitingCount -= 1;
    if (this.#waitingCount === 0) this.stop();
  }

  #begin(): () => void {
    const hide = showLive((columns) => this.#lines(columns));
    const timer = setInterval(() => this.#tick(), TICK_MS);
    return () => {
      clearInterval(timer);
      hide();
    };
  }

  #lines(columns: number): string[] {
    const leftMs = Math.max(0, this.#dueMs - performance.now());
    if (this.#retry === undefined) return [];
    return [retryLine(this.#retry, Math.ceil(leftMs / 1000) * 1000, columns - 1)];
  }

  #tick(): void {
    if (performance.now() > this.#dueMs) this.stop();
    else repaint();
  }
}

/** @param columns when there are fewer than it takes, the reason is cut and not the rest */
export function retryLine(retry: Retry, leftMs: number, columns = Infinity): string {
  const count = `(${retry.attempt} of ${retry.attemptsMax})`;
  return shortenBefore(reasonOf(retry), `; ${whenOf(retry, leftMs)} ${count}`, columns);
}

function reasonOf({ reason }: Retry): string {
  if (isKind(reason, "UPLOAD_BUSY"))
    return "ftpx: waiting for another session that uploads this file";
  return describe(reason)[0] ?? "";
}

/** What has changed while it was read is read again at once, and there is nothing to wait for. */
function whenOf({ reason }: Retry, leftMs: number): string {
  if (isKind(reason, "SOURCE_CHANGED", "CHANGED")) return "once more";
  const left = leftMs >= 60_000 ? formatDuration(leftMs) : `${Math.round(leftMs / 100) / 10} s`;
  return `again in ${left}`;
}
