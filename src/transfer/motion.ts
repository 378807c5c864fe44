/**
 * A transfer as somebody sees it who looks on: which file, how far, how fast, how it ended.
 *
 * Whoever moves the content says so piece by piece; nothing here changes what is moved.
 */
import { Meter } from "../base/meter.ts";
import type { VirtualPath } from "../base/path.ts";

export type Direction = "upload" | "download" | "copy";

/** What nobody has called done or failed ended with its session, or was given up. */
export type Outcome = "done" | "failed" | "interrupted";

export class Motion {
  readonly direction: Direction;
  /** Where the file is, or is to be, in the home. */
  readonly path: VirtualPath;
  /** Undefined until the file was opened. */
  totalBytes: number | undefined;
  outcome: Outcome = "interrupted";
  readonly #doneBytes: () => number;
  readonly #meter: Meter;
  #lastMovedMs: number;

  /** @param doneBytes how much of the file the other side has, what it had before included */
  constructor(
    direction: Direction,
    path: VirtualPath,
    totalBytes: number | undefined,
    doneBytes: () => number,
    nowMs = performance.now(),
  ) {
    this.direction = direction;
    this.path = path;
    this.totalBytes = totalBytes;
    this.#doneBytes = doneBytes;
    this.#meter = new Meter(nowMs);
    this.#lastMovedMs = nowMs;
  }

  get doneBytes(): number {
    return this.#doneBytes();
  }

  get lastMovedMs(): number {
    return this.#lastMovedMs;
  }

  moved(bytes: number, nowMs = performance.now()): void {
    this.#meter.add(bytes);
    this.#lastMovedMs = nowMs;
  }

  /** Bytes a second; an average of the last few seconds where it is asked for every second. */
  rate(nowMs: number): number {
    return this.#meter.rate(nowMs) ?? 0;
  }
}
