/**
 * How long a client waits for a server that is there, answers pings and does nothing else. The
 * time counts from when something of use came last, over the whole connection: on a slow line
 * an answer waits behind content, and one transfer behind the others.
 *
 * What costs the server work in proportion to a file or a tree has no deadline; Ctrl-C ends it.
 */
import { ANSWER_MS_MAX, OPENING_MS_MAX, PROGRESS_BYTES_MIN } from "../base/limits.ts";
import type { CommandName } from "../commands/table.ts";

const DEADLINES: ReadonlyMap<CommandName, number> = new Map<CommandName, number>([
  ["hello", ANSWER_MS_MAX],
  ["scramFirst", ANSWER_MS_MAX],
  ["scramFinal", ANSWER_MS_MAX],
  ["keyFirst", ANSWER_MS_MAX],
  ["keyFinal", ANSWER_MS_MAX],
  ["passwordFirst", ANSWER_MS_MAX],
  ["register", ANSWER_MS_MAX],
  ["awaitRegistration", ANSWER_MS_MAX],
  ["list", ANSWER_MS_MAX],
  ["stat", ANSWER_MS_MAX],
  ["quota", ANSWER_MS_MAX],
  ["uploads", ANSWER_MS_MAX],
  ["openUpload", OPENING_MS_MAX],
  ["partDigests", OPENING_MS_MAX],
  ["rewind", OPENING_MS_MAX],
  ["openDownload", OPENING_MS_MAX],
]);

/** What may be late. */
export interface Awaited {
  readonly msMax: number;
  /** Since when; nothing while it is this side's turn. */
  sinceMs: number | undefined;
}

export class Patience {
  #usefulMs = performance.now();
  #usefulBytes = 0;

  /** An answer, or so much content one way or the other. */
  moved(bytes = PROGRESS_BYTES_MIN): void {
    this.#usefulBytes += bytes;
    if (this.#usefulBytes < PROGRESS_BYTES_MIN) return;
    this.#usefulBytes = 0;
    this.#usefulMs = performance.now();
  }

  /** How long it is overdue altogether; nothing when it is not. */
  lateMs({ msMax, sinceMs }: Awaited, nowMs: number): number | undefined {
    if (sinceMs === undefined) return undefined;
    const waitedMs = nowMs - Math.max(sinceMs, this.#usefulMs);
    return waitedMs > msMax ? Math.round(waitedMs) : undefined;
  }
}

/** For an answer to this command, asked now. */
export function awaitedFor(name: CommandName): Awaited {
  return { msMax: DEADLINES.get(name) ?? Number.POSITIVE_INFINITY, sinceMs: performance.now() };
}
