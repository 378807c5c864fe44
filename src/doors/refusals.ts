/**
 * Which refused connections hear why. To tell it costs a handshake and a socket for a moment, so
 * only so many wait for it, and of one source a few at once and then two each second; the others
 * are closed without a word.
 */
import { REFUSED_MAX, SOURCE_REFUSED_MAX } from "../base/limits.ts";

const AGAIN_MS = 500;

/** Sources whose last refusals are remembered; all are forgotten together. */
const SOURCES_REMEMBERED_MAX = 4096;

export class Refusals {
  /** Of each source, when it has all its refusals again, as if each cost AGAIN_MS. */
  readonly #paidMs = new Map<string, number>();
  #waitingCount = 0;

  /** @returns whether this one is told, and so is to be ended with `end` */
  begin(source: string, nowMs: number): boolean {
    if (this.#waitingCount >= REFUSED_MAX) return false;
    const paidMs = Math.max(nowMs, this.#paidMs.get(source) ?? 0) + AGAIN_MS;
    if (paidMs - nowMs > SOURCE_REFUSED_MAX * AGAIN_MS) return false;
    if (this.#paidMs.size >= SOURCES_REMEMBERED_MAX) this.#paidMs.clear();
    this.#paidMs.set(source, paidMs);
    this.#waitingCount += 1;
    return true;
  }

  end(): void {
    this.#waitingCount -= 1;
  }
}
